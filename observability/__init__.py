"""Telemetry of a service, the store that keeps it, and the names it uses."""
