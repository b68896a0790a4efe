"""Process faults as leases: who is killed or paused, until when, and what happens when the lease ends.

The lease lives here, beside the processes, on a monotonic clock: whoever asked for it may die, and it still ends. Several
leases on one instance add up: it stays down (or paused) until the last of them has ended. A kill overrides a pause, because
the paused process is gone then.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from testbed.control import ControlError, HealRequest, ProcessFaultRequest, ProcessLease
from testbed.journal import Event, Journal
from testbed.timers import Timer, Timers

MAX_LEASES: Final = 64


class Kept(Protocol):
    """What the keeper does to a replica (testbed.replica.Replica)."""

    @property
    def is_up(self) -> bool:
        """Whether its process runs and is ready."""

    @property
    def pid(self) -> int:
        """Process id, 0 while none runs."""

    def hold_down(self) -> None:
        """Kills it and keeps it down."""

    def release(self) -> None:
        """Lets it start."""

    def pause(self) -> None:
        """Stops it in its tracks."""

    def resume(self) -> None:
        """Lets it go on."""


@dataclass(frozen=True)
class _Lease:
    id: str
    kind: Literal["kill", "pause"]
    instance: str
    granted_at: float
    ends_at_s: float
    source: str
    timer: Timer


class Keeper:
    """Grants and ends the leases of one system.

    Args:
        targets: Replicas by name (`orders/2`), in the topology's order.
        timers: Monotonic clock of the leases.
        journal: Where each grant and end is written.
        wall_clock: Unix time, seconds; only for display.
    """

    def __init__(self, targets: Mapping[str, Kept], timers: Timers, journal: Journal, wall_clock: Callable[[], float]) -> None:
        self._targets = targets
        self._timers = timers
        self._journal = journal
        self._wall_clock = wall_clock
        self._leases: dict[str, _Lease] = {}
        self._granted = 0

    def leases(self) -> tuple[ProcessLease, ...]:
        """What is in force, oldest first."""
        now_s = self._timers.time()
        return tuple(
            ProcessLease(
                id=lease.id,
                kind=lease.kind,
                instance=lease.instance,
                granted_at=lease.granted_at,
                remaining_ms=round(max(0.0, lease.ends_at_s - now_s) * 1000, 3),
                source=lease.source,
            )
            for lease in self._leases.values()
        )

    def is_leased(self, instance: str) -> bool:
        """Whether a fault is in force on an instance."""
        return any(lease.instance == instance for lease in self._leases.values())

    def grant(self, request: ProcessFaultRequest) -> None:
        """Kills or pauses what the request names, until the lease ends.

        Raises:
            ControlError: Nothing was done, because the target is unknown, a replica to pause does not run, or the table
                is full.
        """
        names = self.select(request.service, request.replica)
        if len(self._leases) + len(names) > MAX_LEASES:
            raise ControlError(f"{len(self._leases)} process faults are in force and {MAX_LEASES} are allowed; heal some first")
        idle = [name for name in names if request.kind == "pause" and not self._targets[name].is_up]
        if idle:
            raise ControlError(f"{', '.join(idle)} cannot be paused: no ready process runs; see: testbed status")
        for name in names:
            self._begin(name, request)

    def heal(self, request: HealRequest) -> int:
        """Ends leases now and returns how many. Raises ControlError for an unknown target."""
        names = self.select(request.service, request.replica) if request.service else list(self._targets)
        ended = [lease for lease in self._leases.values() if lease.instance in names]
        for lease in ended:
            self._end(lease, "healed")
        return len(ended)

    def process_ended(self, instance: str) -> None:
        """Ends the pauses of an instance whose process is gone: its successor was not asked to stop."""
        for lease in tuple(self._leases.values()):
            if lease.instance == instance and lease.kind == "pause":
                self._end(lease, "the paused process ended")

    def close(self) -> None:
        """Forgets all leases without touching the replicas: the system is being stopped."""
        for lease in self._leases.values():
            lease.timer.cancel()
            self._journal.write(Event.LEASE_ENDED, lease.instance, reason="the system stops", lease=lease.id)
        self._leases.clear()

    def select(self, service: str | None, replica: int | None) -> list[str]:
        """Names of the replicas meant. Raises ControlError naming what is allowed."""
        names = [name for name in self._targets if name.partition("/")[0] == service]
        if not names:
            services = ", ".join(dict.fromkeys(name.partition("/")[0] for name in self._targets))
            raise ControlError(f"unknown service {service!r}; allowed: {services}")
        if replica is None:
            return names
        if f"{service}/{replica}" not in names:
            raise ControlError(f"unknown replica {service}/{replica}; allowed: {', '.join(names)}")
        return [f"{service}/{replica}"]

    def _begin(self, name: str, request: ProcessFaultRequest) -> None:
        target = self._targets[name]
        self._granted += 1
        key = f"{request.kind}-{self._granted}"
        timer = self._timers.call_later(request.lease_ms / 1000, lambda: self._expire(key))
        ends_at_s = self._timers.time() + request.lease_ms / 1000
        self._leases[key] = _Lease(key, request.kind, name, self._wall_clock(), ends_at_s, request.source, timer)
        self._journal.write(
            Event.LEASE_GRANTED, name, reason=f"{request.kind} for {request.lease_ms:g} ms by {request.source}", lease=key
        )
        if request.kind == "kill":
            self._journal.write(Event.KILL, name, pid=target.pid, reason=request.source, lease=key)
            target.hold_down()
        else:
            self._journal.write(Event.PAUSE, name, pid=target.pid, reason=request.source, lease=key)
            target.pause()

    def _expire(self, key: str) -> None:
        if key in self._leases:
            self._end(self._leases[key], "its time is over")

    def _end(self, lease: _Lease, reason: str) -> None:
        lease.timer.cancel()
        del self._leases[lease.id]
        self._journal.write(Event.LEASE_ENDED, lease.instance, reason=reason, lease=lease.id)
        if any(other.instance == lease.instance and other.kind == lease.kind for other in self._leases.values()):
            return
        target = self._targets[lease.instance]
        if lease.kind == "kill":
            self._journal.write(Event.RESTART, lease.instance, reason="kill lease ended", lease=lease.id)
            target.release()
        elif target.pid:
            self._journal.write(Event.RESUME, lease.instance, pid=target.pid, reason="pause lease ended", lease=lease.id)
            target.resume()
