"""Which port everybody gets: well-known ones for what people open, free ones for the rest."""

import errno
import random
import socket
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from services.topology import Topology

HOST: Final = "127.0.0.1"
TRACES: Final = "traces"
OTLP: Final = "otlp"
TRACES_PORT: Final = 16_686
"""Jaeger's query API and UI."""
OTLP_PORT: Final = 4_318
"""OTLP over HTTP."""
BELOW_EPHEMERAL: Final = range(20_000, 32_000)
"""Below the ports of outgoing connections where nobody has moved these: 32,768 on Linux (ip(7)), 49,152 elsewhere (RFC 6335)."""
_TRIES: Final = 50


class PortError(ValueError):
    """A port cannot be used as asked; the text says which, why, and the way out."""


def choose_ports(
    topology: Topology, asked: Mapping[str, int], *, free_ports: bool, programs: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Port by name, for every service with one fixed port, `traces`, `otlp` and the programs of the stack.

    Services that may take any port are absent. A program's well-known port is only a wish: where somebody has it, such as a
    Prometheus that this machine runs anyway, the program takes a free one, and the system starts nevertheless.

    Args:
        topology: The services and their fixed ports.
        asked: Ports by name that override everything else.
        free_ports: Take free ports instead of the well-known ones.
        programs: Well-known ports of the programs that are to run beside the system, by name.

    Raises:
        PortError: An unknown name, or ports that somebody else uses.
    """
    wishes = programs or {}
    fixed = {name: service.port for name, service in topology.services.items() if service.port is not None}
    well_known = fixed | {TRACES: TRACES_PORT, OTLP: OTLP_PORT}
    single = [name for name, service in topology.services.items() if service.replicas == 1]
    for name, port in asked.items():
        if name not in (*single, TRACES, OTLP, *wishes):
            allowed = ", ".join((*single, TRACES, OTLP, *wishes))
            raise PortError(f"--port {name}={port}: {name!r} has no single port; allowed: {allowed}")
        if not 1 <= port <= 65_535:
            raise PortError(f"--port {name}={port}: a port is a number from 1 to 65535")
    chosen = {name: 0 if free_ports else port for name, port in well_known.items()} | dict(asked)
    _check(chosen)
    for name, port in wishes.items():
        is_to_be_had = not free_ports and port not in chosen.values() and is_free(HOST, port)
        chosen.setdefault(name, port if is_to_be_had else 0)
    # Others must know the store's ports before it runs, so that all can start together.
    free = iter(unused_ports(sum(not port for port in chosen.values()), besides=chosen.values()))
    return {name: port or next(free) for name, port in chosen.items()}


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise PortError(f"port {port} needs root; choose one above 1023") from None
            return False
    return True


def free_port(host: str = HOST) -> int:
    """A port that nobody used a moment ago. Raises OSError when `host` is no interface of this machine."""
    return unused_ports(1, host)[0]


def unused_ports(count: int, host: str = HOST, besides: Collection[int] = ()) -> list[int]:
    """Different ports that nobody used a moment ago, none of them in `besides`.

    The kernel's own choice is out of the range that outgoing connections get theirs from: one of them may have it before its
    server listens. It is taken only where too few others are found to be free. Raises OSError when `host` is no interface of
    this machine.
    """
    found: list[int] = []
    for port in random.SystemRandom().sample(BELOW_EPHEMERAL, _TRIES):
        if len(found) < count and port not in besides and is_free(host, port):
            found.append(port)
    with ExitStack() as held:  # What is let go of may be given again.
        while len(found) < count:
            probe = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            probe.bind((host, 0))
            if (port := probe.getsockname()[1]) not in besides:
                found.append(port)
    return found


def listener_of(port: int, proc: Path = Path("/proc")) -> str:
    """Who listens on a TCP port, as `python3 (process 4711)`; empty when this system or its permissions do not tell."""
    inodes = {inode for table in ("tcp", "tcp6") for inode in _listening(proc / "net" / table, port)}
    for folder in proc.glob("[0-9]*") if inodes else ():
        try:
            if any(str(entry.readlink()) in inodes for entry in (folder / "fd").iterdir()):
                return f"{(folder / 'comm').read_text().strip()} (process {folder.name})"
        except OSError:  # Another user's process, or one that just ended.
            continue
    return ""


def _listening(table: Path, port: int) -> list[str]:
    """Sockets of a /proc/net table that listen (state 0A) on `port`, as they are spelled under /proc/PID/fd."""
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
    return [f"socket:[{row[9]}]" for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port]


def _check(chosen: Mapping[str, int]) -> None:
    owners: dict[int, str] = {}
    problems = []
    for name, port in chosen.items():
        if port and port in owners:
            problems.append(f"port {port} is asked for by both {owners[port]} and {name}")
        elif port and not is_free(HOST, port):
            listener = listener_of(port)
            problems.append(f"port {port} ({name}) is taken{f' by {listener}' if listener else ''}")
        owners[port] = name
    if problems:
        first = next(name for name, port in chosen.items() if port and f"port {port} " in problems[0])
        another = f"--port {first}={_another(chosen[first])}"
        raise PortError("\n".join(problems) + f"\nfree it, or start with --free-ports, or choose another: {another}")


def _another(port: int) -> int:
    """A port near `port` that is free, for the advice."""
    return next((near for near in range(port + 1, min(port + 50, 65_536)) if is_free(HOST, near)), free_port())
