"""Kills and pauses random replicas at random moments, through the keeper that starts and resumes them again."""

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from services.topology import Topology
from testbed.control import ControlError, HealRequest, ProcessFaultRequest, ask
from testbed.journal import Event
from testbed.run import RunFolder

KILL_SHARE: Final = 0.65
DOWN_MS: Final = (20.0, 400.0)
"""How long a killed replica stays down, before its start."""
SHORT_PAUSE_MS, LONG_PAUSE_MS = (200.0, 2_000.0), (2_000.0, 8_000.0)
"""The long ones outlive every lease and every claim (5 s)."""
LONG_SHARE: Final = 0.3
_SOURCE: Final = "torture"


@dataclass(frozen=True)
class Blow:
    """What is done to whom."""

    kind: str
    service: str
    replica: int
    lease_ms: float


class Mayhem:
    """Faults at random, all from one seed. The telemetry store is not among their targets: the keeper protects it.

    Args:
        state: The system's folder.
        topology: Its services.
        every_s: Mean time from one fault to the next.
        seed: Of moments, victims, kinds and lengths.
    """

    def __init__(self, state: Path, topology: Topology, every_s: float, seed: int) -> None:
        self._state = state
        self._every_s = every_s
        self._random = Random(f"{seed} mayhem")
        self._victims = [(name, n) for name, service in topology.services.items() for n in range(1, service.replicas + 1)]
        self.done: Counter[tuple[str, str]] = Counter()
        """Faults by kind and service."""
        self.refused = 0
        """Pauses of what was not running at that moment."""

    async def rage(self, duration_s: float) -> None:
        """Strikes for so long, and lifts every fault at the end."""
        until_s = time.monotonic() + duration_s
        due_s = time.monotonic()
        try:
            while (due_s := due_s + self._every_s * self._random.uniform(0.5, 1.5)) < until_s:
                blow = self._draw()
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                await asyncio.to_thread(self._strike, blow)
        finally:
            await asyncio.to_thread(ask, self._state, HealRequest())

    def _draw(self) -> Blow:
        random = self._random
        service, replica = random.choice(self._victims)
        if random.random() < KILL_SHARE:
            return Blow("kill", service, replica, random.uniform(*DOWN_MS))
        lengths = LONG_PAUSE_MS if random.random() < LONG_SHARE else SHORT_PAUSE_MS
        return Blow("pause", service, replica, random.uniform(*lengths))

    def _strike(self, blow: Blow) -> None:
        request = ProcessFaultRequest.model_validate(
            {"kind": blow.kind, "service": blow.service, "replica": blow.replica, "lease_ms": blow.lease_ms, "source": _SOURCE}
        )
        try:
            ask(self._state, request)
        except ControlError:
            self.refused += 1
        else:
            self.done[blow.kind, blow.service] += 1


@dataclass(frozen=True)
class Toll:
    """What the supervisor's journal says of processes.

    Attributes:
        kills: Processes that ran and were killed, by service.
        pauses: The same of pauses.
        starts: Processes that were started again.
        collapsed: Instances whose process ended though nobody killed it, with how.
    """

    kills: Counter[str]
    pauses: Counter[str]
    starts: int
    collapsed: tuple[str, ...]

    @classmethod
    def read(cls, folder: RunFolder) -> "Toll":
        """Reads the journal. Raises OSError or ValueError."""
        kills: Counter[str] = Counter()
        pauses: Counter[str] = Counter()
        starts: Counter[str] = Counter()
        killed: set[tuple[str, int]] = set()
        collapsed = []
        for line in folder.journal.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            event, name, pid = entry["event"], entry["instance"], entry.get("pid", 0)
            service = name.partition("/")[0]
            if event == Event.KILL and pid and (name, pid) not in killed:
                killed.add((name, pid))
                kills[service] += 1
            elif event == Event.PAUSE:
                pauses[service] += 1
            elif event == Event.START:
                starts[name] += 1
            elif event == Event.GAVE_UP or (event == Event.EXIT and (name, pid) not in killed):
                collapsed.append(f"{name} {event}: {entry.get('reason', '')}")
        return cls(kills, pauses, starts.total() - len(starts), tuple(collapsed))
