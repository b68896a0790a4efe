"""The embedded store: takes OTLP over HTTP, keeps it in SQLite, answers the Jaeger query API."""
