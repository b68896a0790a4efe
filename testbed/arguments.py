"""The supervisor's command line, as it is written; testbed.request says what it means."""

import argparse
from pathlib import Path


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options by name."""
    parser = argparse.ArgumentParser(prog="python -m testbed.supervisor", description="Keeps one Firebreak system running.")
    parser.add_argument("--state", type=Path, required=True, help="folder of the running system")
    parser.add_argument("--topology", type=Path, help="default: FeastFast's own")
    parser.add_argument("--profile", default="declared", help="declared, timeouts_only or none")
    parser.add_argument("--without", action="append", default=[], metavar="PATTERN[@EDGE]")
    parser.add_argument("--port", action="append", default=[], metavar="NAME=PORT")
    parser.add_argument("--free-ports", action="store_true", help="free ports instead of the well-known ones")
    parser.add_argument("--spawn", action="store_true", help="start every process from scratch instead of forking it")
    parser.add_argument("--no-stack", action="store_true", help="without Prometheus, Alertmanager and Grafana")
    parser.add_argument("--tracing", default="default", help="default or lean")
    parser.add_argument("--trace-ratio", type=float, default=1.0, help="share of traces that are recorded")
    parser.add_argument(
        "--otlp", default="", help="base URL of the collector that takes spans and logs; default: the system's own store"
    )
    parser.add_argument("--data", type=Path, help="folder of databases that are to stay; default: fresh ones in --state")
    parser.add_argument("--database-on-stdin", action="store_true", help="read the URL of a PostgreSQL server, not shown by ps")
    parser.add_argument("--nats-on-stdin", action="store_true", help="read the URL of a NATS server, on a line after that")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--run-id", default="")
    parser.add_argument("--arm", default="")
    parser.add_argument("--channel", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--die-with-parent", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)
