"""The supervisor's command line, and the system that it asks for."""

import argparse
import os
import time
from pathlib import Path

from services.policy import Profile, Switch
from services.topology import default_topology_path, load_topology
from testbed.control import socket_path
from testbed.plan import TELEMETRY, SystemRequest
from testbed.run import RunFolder


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line as it was written; what it means is checked by `read_request`."""
    parser = argparse.ArgumentParser(prog="python -m testbed.supervisor", description="Keeps one Firebreak system running.")
    parser.add_argument("--state", type=Path, required=True, help="folder of the running system")
    parser.add_argument("--topology", type=Path, default=default_topology_path(), help="default: FeastFast's own")
    parser.add_argument("--profile", type=Profile, choices=list(Profile), default=Profile.DECLARED)
    parser.add_argument("--without", action="append", default=[], metavar="PATTERN[@EDGE]")
    parser.add_argument("--port", action="append", default=[], metavar="NAME=PORT")
    parser.add_argument("--free-ports", action="store_true", help="free ports instead of the well-known ones")
    parser.add_argument("--spawn", action="store_true", help="start every process from scratch instead of forking it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--run-id", default="")
    parser.add_argument("--arm", default="")
    parser.add_argument("--channel", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--die-with-parent", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def read_request(options: argparse.Namespace) -> SystemRequest:
    """What is to run. Raises DocumentError or ValueError naming what is wrong and what is allowed."""
    topology = load_topology(options.topology)
    if TELEMETRY in topology.services:
        raise ValueError(f"{options.topology}: services.{TELEMETRY}: this name is the embedded store's; choose another")
    edges = tuple(topology.edges)
    folder = RunFolder(options.state.absolute())
    return SystemRequest(
        folder=folder,
        topology_path=options.topology.absolute(),
        topology=topology,
        profile=options.profile,
        without=tuple(Switch.parse(text, edges) for text in options.without),
        ports=dict(map(parse_port, options.port)),
        free_ports=options.free_ports,
        seed=options.seed,
        run_id=options.run_id or time.strftime("up-%Y%m%d-%H%M%S"),
        arm=options.arm,
        log_level=os.environ.get("FIREBREAK_LOG_LEVEL", "INFO"),
        notify_socket=socket_path(folder.root, "notify.sock"),
    )


def parse_port(text: str) -> tuple[str, int]:
    """`gateway=8081` as (`gateway`, 8081). Raises ValueError."""
    name, _equals, number = text.partition("=")
    if not name or not number.isdecimal() or len(number) > 5:
        raise ValueError(f"--port {text}: write NAME=PORT, such as gateway=8081")
    return name, int(number)
