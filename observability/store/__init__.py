"""Embedded telemetry store: OTLP over HTTP in, SQLite kept, Jaeger's query API and a page out.

How a span travels: `receiver` (HTTP) -> `writer` (one thread, one transaction for what has queued) -> `otlp` (decode) ->
`ingest` (rows) -> the tables of `schema`; back out through `traces` and `logs` (queries) -> `jaeger` (JSON) -> `api` (HTTP).

What one process sent at one moment shares almost everything: resource, attribute names, most values. So what OTLP calls a
`ResourceSpans` or `ResourceLogs` is kept whole, compressed, as one *chunk*, and beside it stands only what a search asks for:
packed columns of its spans (`span_rows`), a narrow row a log record. That is a third of the bytes of one wide row a span, and
less work to write. What the spans of a
chunk have in common (`summary`, `durations`) and hashes of all their tags (`tag_hashes`) rule it out of a search without opening
it; who called whom (`links`) is counted on the way in.
"""
