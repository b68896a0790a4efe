"""Service level objectives: read from slo.yaml, compiled for Prometheus and Alertmanager, and computed without either."""
