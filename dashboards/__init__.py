"""Grafana dashboards as code: one module a dashboard, and `python -m dashboards.build` writes each as JSON beside it."""
