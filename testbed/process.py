"""What a process is to the supervisor: a command to start, a child that runs, and a port through which both are reached."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class StartError(Exception):
    """A process could not be started at all, and trying again would not help; the text says why."""


@dataclass(frozen=True)
class Command:
    """One process to start: `main()` of `module`, with its settings in the environment and its output in `log`."""

    instance: str
    module: str
    environment: dict[str, str]
    log: Path


@dataclass(frozen=True)
class Program:
    """One program of somebody else to start: its path and arguments, with its output in `log`."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    """All of it."""
    log: Path


@dataclass(frozen=True)
class Child:
    """A started process. `exit` resolves to its exit code, or to the negated number of the signal that ended it."""

    pid: int
    exit: asyncio.Future[int]


class Processes(Protocol):
    """A way to start processes: forked from a warmed parent, or spawned from scratch."""

    async def start(self, command: Command) -> Child:
        """Starts a process. Raises StartError, or OSError when the system is short of something for the moment."""

    def signal(self, child: Child, number: int) -> None:
        """Sends a signal; nothing happens when the child has ended."""

    def close(self) -> None:
        """Ends whatever still runs, without grace."""


def describe_exit(status: int) -> str:
    """`exit status 1`, `killed by signal 9`: how journal and error texts say how a process ended."""
    return f"exit status {status}" if status >= 0 else f"killed by signal {-status}"
