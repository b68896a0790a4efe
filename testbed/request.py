"""What somebody wants to run, checked."""

import argparse
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from observability.trace_options import TracePath
from services.policy import Profile, Switch
from services.topology import Topology, default_topology_path, load_topology
from testbed.broker import Broker, choose_broker
from testbed.collector import check_collector
from testbed.control import socket_path
from testbed.data import PostgresData, SqliteData, choose_data
from testbed.exporting import NAME as EXPORTER
from testbed.migration import NAME as MIGRATOR
from testbed.run import RunFolder
from testbed.stack.programs import WELL_KNOWN_PORTS, find_programs, is_wanted
from testbed.telemetry import TELEMETRY

_TAKEN: Final = (TELEMETRY, EXPORTER, MIGRATOR, *WELL_KNOWN_PORTS)
"""Names of processes that are no service's, whose logs and notices would be mixed up with its."""


@dataclass(frozen=True)
class SystemRequest:
    """What somebody wants to run."""

    folder: RunFolder
    topology_path: Path
    topology: Topology
    profile: Profile
    without: tuple[Switch, ...]
    ports: Mapping[str, int]
    """Asked for by name; the rest is chosen by testbed.ports."""
    free_ports: bool
    seed: int
    run_id: str
    arm: str
    log_level: str
    notify_socket: Path
    data: SqliteData | PostgresData
    """Where its services keep theirs."""
    broker: Broker = field(default_factory=Broker)
    """What carries its services' events."""
    programs: Mapping[str, Path] | None = None
    """Those of the stack that are here, by name; None when nobody wants one."""
    tracing: TracePath = TracePath.DEFAULT
    trace_ratio: float = 1.0
    collector: str = ""
    """Base URL of whoever takes spans and logs; empty: the system's own store."""
    spawn: bool = False
    """Start every process from scratch instead of forking it from a warmed parent."""
    die_with_parent: bool = False
    """Stop when the launcher ends, however it ends."""

    @property
    def exporter_socket(self) -> Path | None:
        """Where the exporter process listens; None where there are no sockets of its kind, and each service exports by itself."""
        return socket_path(self.folder.root, "exporter.sock") if sys.platform == "linux" else None


def read_request(options: argparse.Namespace) -> SystemRequest:
    """What is to run. Raises DocumentError or ValueError naming what is wrong and what is allowed."""
    path = options.topology or default_topology_path()
    topology = load_topology(path)
    taken = next((name for name in _TAKEN if name in topology.services), None)
    if taken:
        owner = "the embedded store's" if taken == TELEMETRY else "a program's that runs beside the system"
        raise ValueError(f"{path}: services.{taken}: this name is {owner}; choose another")
    folder = RunFolder(options.state.absolute())
    data = _choose_data(options, folder)
    return SystemRequest(
        folder=folder,
        topology_path=path.absolute(),
        topology=topology,
        profile=_parse_profile(options.profile),
        without=tuple(topology.switch(text) for text in options.without),
        ports=dict(map(parse_port, options.port)),
        free_ports=options.free_ports,
        seed=options.seed,
        run_id=options.run_id or time.strftime("up-%Y%m%d-%H%M%S"),
        arm=options.arm,
        log_level=os.environ.get("FIREBREAK_LOG_LEVEL", "INFO"),
        notify_socket=socket_path(folder.root, "notify.sock"),
        data=data,
        broker=_choose_broker(options, data),
        programs=find_programs() if is_wanted(os.environ) and not options.no_stack else None,
        tracing=TracePath(options.tracing),
        trace_ratio=options.trace_ratio,
        collector=check_collector(options.otlp),
        spawn=options.spawn,
        die_with_parent=options.die_with_parent,
    )


def _choose_data(options: argparse.Namespace, folder: RunFolder) -> SqliteData | PostgresData:
    if options.data is not None and options.data.absolute() == folder.data:
        raise ValueError(f"--data {options.data}: this folder is emptied at every start; name another")
    return choose_data(sys.stdin.readline().strip() if options.database_on_stdin else "", options.data or folder.data)


def _choose_broker(options: argparse.Namespace, data: SqliteData | PostgresData) -> Broker:
    url = sys.stdin.readline().strip() if options.nats_on_stdin else ""
    return choose_broker(url, data, is_fresh=options.data is None and not options.database_on_stdin)


def parse_port(text: str) -> tuple[str, int]:
    """`gateway=8081` as (`gateway`, 8081). Raises ValueError."""
    name, _equals, number = text.partition("=")
    if not name or not number.isdecimal() or len(number) > 5:
        raise ValueError(f"--port {text}: write NAME=PORT, such as gateway=8081")
    return name, int(number)


def _parse_profile(text: str) -> Profile:
    try:
        return Profile(text)
    except ValueError:
        raise ValueError(f"--profile {text}: no such profile; allowed: {', '.join(Profile)}") from None
