"""The changes of one process's policies: each ends at an instant of the monotonic clock, as if it had never been."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

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


@dataclass(frozen=True)
class _Span:
    """What is in force until an instant."""

    until_s: float
    policies: Policies


class PolicyLeases:
    """Changes in force, applied in the order of their coming to what the process was started with. Pure; used from one loop.

    What will be in force is known from the start of each change to the end of the last one: one span between any two ends. So a
    change is judged for all of its time when it comes, and an end composes nothing.

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
        self._spans: tuple[_Span, ...] = (_Span(math.inf, started),)

    @property
    def in_force(self) -> Policies:
        """What the changes make of the start, as of the last look at the clock."""
        return self._spans[0].policies

    @property
    def count(self) -> int:
        """How many changes are in force, as of the last look at the clock."""
        return len(self._leases)

    def left_s(self) -> float | None:
        """Time until the next change ends; None: there is none."""
        return max(0.0, self._spans[0].until_s - self._clock()) if self._leases else None

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
        # One that the clock cannot tell from nothing lasts for its next instant: with no time at all, none would end it.
        ends_at_s = max(now_s + request.lease_ms / 1_000, math.nextafter(now_s, math.inf))
        lease = _Lease(request.id, request.change, request.source, now_s, ends_at_s)
        self._spans = self._spans_with(lease)
        self._leases[lease.id] = lease
        return lease.view(now_s)

    def _spans_with(self, lease: _Lease) -> tuple[_Span, ...]:
        """The spans with one change more. Raises ImpossiblePolicyError if it is not possible in each of its time."""
        spans: list[_Span] = []
        began_s = lease.began_s
        for span in self._spans:
            if began_s < lease.ends_at_s:
                try:
                    policies = changed(span.policies, lease.change, self._declared)
                except ValueError as error:
                    raise ImpossiblePolicyError(f"{error}{self._because_of_an_end(began_s, lease.began_s)}") from None
                spans.append(_Span(min(span.until_s, lease.ends_at_s), policies))
            if span.until_s > lease.ends_at_s:
                spans.append(span)
            began_s = span.until_s
        return tuple(spans)

    def _because_of_an_end(self, instant_s: float, now_s: float) -> str:
        over = next((lease for lease in self._leases.values() if lease.ends_at_s == instant_s), None)
        if over is None:
            return ""
        return f". It would be so once an earlier change ({over.change}) ends, in {instant_s - now_s:.1f} s"

    def end(self, lease_id: str | None = None) -> tuple[Change, ...]:
        """Ends one change, or all, now. Returns what has ended: with it, what stood on it and is impossible without it."""
        now_s = self._clock()
        self.sweep()
        ended = [lease for lease in self._leases.values() if lease_id in (None, lease.id)]
        left = [lease for lease in self._leases.values() if lease not in ended]
        if ended:
            self._leases, self._spans = {}, (_Span(math.inf, self._started),)
        for lease in left if ended else ():
            try:
                self._spans = self._spans_with(replace(lease, began_s=now_s))
                self._leases[lease.id] = lease
            except ImpossiblePolicyError:
                ended.append(lease)
        return tuple(lease.change for lease in ended)

    def sweep(self) -> tuple[Change, ...]:
        """Drops the changes that are over; returns them."""
        now_s = self._clock()
        if self._spans[0].until_s > now_s:
            return ()
        over = [lease for lease in self._leases.values() if lease.ends_at_s <= now_s]
        for lease in over:
            del self._leases[lease.id]
        self._spans = tuple(span for span in self._spans if span.until_s > now_s)
        return tuple(lease.change for lease in over)

    def views(self) -> tuple[PolicyLease, ...]:
        """Changes in force, oldest first."""
        self.sweep()
        now_s = self._clock()
        return tuple(lease.view(now_s) for lease in self._leases.values())
