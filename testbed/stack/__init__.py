"""Prometheus, Alertmanager and Grafana, found on the PATH and kept beside a system: instruments that it never depends on."""
