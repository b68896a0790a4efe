"""Customers and mayhem on one system at the same time, and what is left of it afterwards."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import aiohttp

from benchmarks._crowd import Crowd, Stream
from benchmarks._customers import Customers
from benchmarks._mayhem import Mayhem, Toll
from chaos.http_get import http_get
from chaos.invariants.books import Books
from chaos.invariants.captured_once import TWICE
from chaos.invariants.catalogue import judge
from chaos.invariants.finding import InvariantFinding
from chaos.invariants.promises_kept import DOUBLED, LATE, LOST, UNASKED, promises_kept
from chaos.invariants.reading import Library, library_of, read_books
from chaos.invariants.verification import Verification, verify
from services.registry import InstanceState
from services.topology import Topology
from testbed.control import ControlError, RestartRequest, SystemStatus, ask, status
from testbed.run import RunFolder

SETTLE_S: Final = 60.0
UP_S: Final = 30.0
TELL_EVERY_S: Final = 15.0
REPEATED: Final = 200
"""Settled orders that are repeated under their keys at the end."""
MAX_CONNECTIONS: Final = 300
CAPTURED, EVENTS, PROMISES = "captured once", "events once", "promises kept"


@dataclass(frozen=True)
class Options:
    """What to do, for how long. Durations in seconds.

    Attributes:
        kills_every_s: Mean time from one fault to the next.
        rate: Orders a second.
        patience_s: How long a customer waits for one answer.
        keep: The run's folder stays.
        without: Patterns of protection that are switched off.
        replicas: Of each service at least, but for the entry.
    """

    duration_s: float
    seed: int
    kills_every_s: float
    rate: float
    patience_s: float
    keep: bool = False
    without: tuple[str, ...] = ()
    replicas: int = 2


@dataclass(frozen=True)
class Ordeal:
    """What a run was, and what is left."""

    done: Verification
    toll: Toll
    mayhem: Mayhem
    crowd: Crowd
    customers: Customers

    @property
    def lost(self) -> int:
        """Promised orders that are not there, and cancelled ones that are."""
        promises = self.done.findings[PROMISES]
        return promises.count(LOST) + promises.count(LATE)

    @property
    def doubled(self) -> int:
        """Orders beyond what was asked for, and captures beyond one an order."""
        promises = self.done.findings[PROMISES]
        return promises.count(DOUBLED) + promises.count(UNASKED) + self.done.findings[CAPTURED].count(TWICE)

    @property
    def stuck(self) -> int:
        """Orders still open, events that have not arrived, and keys that got no answer."""
        events, promises = self.done.findings[EVENTS], self.done.findings[PROMISES]
        return len(self.done.books.moving) + events.count("waiting") + events.count("dead") + promises.count("unknown")


@dataclass(frozen=True)
class Subject:
    """The system that has to endure it."""

    state: Path
    topology: Topology
    base_url: str

    def library(self) -> Library:
        """Where its books are now."""
        token = RunFolder(self.state).read_secrets().internal_token
        return library_of(status(self.state), self.topology, token, http_get)


async def endure(options: Options, subject: Subject, tell: Callable[[str], None]) -> Ordeal:
    """The whole of it: load and faults, recovery, the last questions, and the look at the books.

    Raises:
        FetchError: The books cannot be read even when everything is up.
        ControlError: The system is gone, or a process of it does not come back.
        OSError: Nobody can sign in.
    """
    connector = aiohttp.TCPConnector(limit=MAX_CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:
        customers = Customers(session, subject.base_url, options.patience_s)
        await customers.sign_in_all()
        crowd = Crowd(_streams(customers, options.rate), options.seed)
        mayhem = Mayhem(subject.state, subject.topology, options.kills_every_s, options.seed)
        telling = asyncio.create_task(_tell_on(tell, customers, mayhem))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(crowd.come(options.duration_s))
                group.create_task(mayhem.rage(options.duration_s))
        finally:
            telling.cancel()
        tell("every fault is lifted; waiting until all processes are up, then asking again for what nobody knows")
        await asyncio.to_thread(bring_up, subject.state)
        await customers.ask_again(Random(f"{options.seed} again"), REPEATED)
    tell("looking at the books")
    done = await asyncio.to_thread(_look, subject, customers)
    return Ordeal(done, Toll.read(RunFolder(subject.state)), mayhem, crowd, customers)


def bring_up(state: Path) -> SystemStatus:
    """Waits until every process is up, and starts again what was given up. Raises ControlError when one does not come up."""
    until_s = time.monotonic() + UP_S
    while True:
        system = status(state)
        down = [each for each in system.instances if each.state is not InstanceState.UP]
        if not down and not system.leases:
            return system
        if time.monotonic() > until_s:
            raise ControlError(f"{', '.join(each.name for each in down)} did not come up within {UP_S:g} s")
        if system.phase == "degraded":
            for each in down:
                ask(state, RestartRequest(service=each.service, replica=each.replica), UP_S)
        time.sleep(0.1)


def _streams(customers: Customers, rate: float) -> tuple[Stream, ...]:
    return (
        Stream("order", rate, customers.order),
        Stream("browse", rate / 3, customers.browse),
        Stream("track", rate / 3, customers.track),
        Stream("sign in", rate / 30, customers.sign_in),
    )


async def _tell_on(tell: Callable[[str], None], customers: Customers, mayhem: Mayhem) -> None:
    began_s = time.monotonic()
    while True:
        await asyncio.sleep(TELL_EVERY_S)
        accepted = sum(bool(each.accepted_ids) for each in customers.told().intents)
        kills = sum(count for (kind, _), count in mayhem.done.items() if kind == "kill")
        pauses = mayhem.done.total() - kills
        tell(f"{time.monotonic() - began_s:4.0f} s: {accepted} orders accepted, {kills} kills, {pauses} pauses")


def _look(subject: Subject, customers: Customers) -> Verification:
    told = customers.told()

    def judging(books: Books) -> Mapping[str, InvariantFinding]:
        return judge(books) | {PROMISES: promises_kept(books, told)}

    return verify(lambda: read_books(subject.library(), time.time), SETTLE_S, time.monotonic, time.sleep, judging)
