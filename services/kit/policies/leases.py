"""The changes of one process's policies: each ends at an instant of the monotonic clock, and what is left is composed anew."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chaos.inject.control import LeaseRefusedError, UngrantableError
from services.kit.policies.messages import PolicyLease, PolicyRequest
from services.policy.change import Change, Policies, changed

MAX_LEASES = 64


class ImpossiblePolicyError(UngrantableError):
    """With this change no possible policy would be in force, now or once an earlier change has ended."""


@dataclass(frozen=True)
class _Lease:
    id: str
    change: Change
    source: str
    began_s: float
    ends_at_s: float

    def view(self, now_s: float) -> PolicyLease:
        remaining_ms = round(max(0.0, self.ends_at_s - now_s) * 1_000, 3)
        age_ms = round((now_s - self.began_s) * 1_000, 3)
        return PolicyLease(id=self.id, change=self.change, age_ms=age_ms, remaining_ms=remaining_ms, source=self.source)


class PolicyLeases:
    """Changes in force, applied in the order of their coming to what the process was started with. Pure; used from one loop.

    Args:
        declared: What the map says, which a profile begins from.
        started: What the process was started with.
        clock: Monotonic seconds.
    """

    def __init__(self, declared: Policies, started: Policies, clock: Callable[[], float]) -> None:
        self._declared = declared
        self._started = started
        self._clock = clock
        self._leases: dict[str, _Lease] = {}
        self.in_force = started
        """Of the leases there are; `sweep` drops those that are over."""

    @property
    def count(self) -> int:
        """How many changes are in force, as of the last look at the clock."""
        return len(self._leases)

    def left_s(self) -> float | None:
        """Time until the next change ends; None: there is none."""
        next_end_s = min((lease.ends_at_s for lease in self._leases.values()), default=None)
        return None if next_end_s is None else max(0.0, next_end_s - self._clock())

    def grant(self, request: PolicyRequest) -> PolicyLease:
        """Puts a change in force. Raises LeaseRefusedError."""
        self.sweep()
        now_s = self._clock()
        if request.id in self._leases:
            raise LeaseRefusedError(f"a change {request.id} is in force already; take a new id")
        if len(self._leases) >= MAX_LEASES:
            raise LeaseRefusedError(f"{MAX_LEASES} changes are in force already; end some first: testbed policy reset")
        place = request.change.place
        if place is not None and place not in self._started.places:
            raise ImpossiblePolicyError(f"{place!r} is no place here; allowed: {', '.join(self._started.places)}")
        lease = _Lease(request.id, request.change, request.source, now_s, now_s + request.lease_ms / 1_000)
        self.in_force = self._with(lease, now_s)
        self._leases[lease.id] = lease
        return lease.view(now_s)

    def _with(self, lease: _Lease, now_s: float) -> Policies:
        """What is in force with one more, which must be possible also when others have ended before it."""
        earlier = self._leases.values()
        try:
            policies = changed(self.in_force, lease.change, self._declared)
        except ValueError as error:
            raise ImpossiblePolicyError(str(error)) from None
        for over in sorted((each for each in earlier if each.ends_at_s < lease.ends_at_s), key=lambda each: each.ends_at_s):
            try:
                self._composed((*(each for each in earlier if each.ends_at_s > over.ends_at_s), lease))
            except ValueError as error:
                raise ImpossiblePolicyError(
                    f"{error}. It would be so once an earlier change ({over.change}) ends, in {over.ends_at_s - now_s:.1f} s"
                ) from None
        return policies

    def _composed(self, leases: Iterable[_Lease]) -> Policies:
        policies = self._started
        for lease in leases:
            policies = changed(policies, lease.change, self._declared)
        return policies

    def end(self, lease_id: str | None = None) -> tuple[Change, ...]:
        """Ends one change, or all, now. Returns what was in force."""
        self.sweep()
        return self._drop([lease for lease in self._leases.values() if lease_id in (None, lease.id)])

    def sweep(self) -> tuple[Change, ...]:
        """Drops the changes that are over; returns them."""
        now_s = self._clock()
        return self._drop([lease for lease in self._leases.values() if lease.ends_at_s <= now_s])

    def _drop(self, leases: list[_Lease]) -> tuple[Change, ...]:
        for lease in leases:
            del self._leases[lease.id]
        if leases:
            self._compose_rest()
        return tuple(lease.change for lease in leases)

    def _compose_rest(self) -> None:
        self.in_force = self._started
        for lease in tuple(self._leases.values()):
            try:
                self.in_force = changed(self.in_force, lease.change, self._declared)
            except ValueError:  # What it built on was taken back before its time.
                del self._leases[lease.id]

    def views(self) -> tuple[PolicyLease, ...]:
        """Changes in force, oldest first."""
        self.sweep()
        now_s = self._clock()
        return tuple(lease.view(now_s) for lease in self._leases.values())
