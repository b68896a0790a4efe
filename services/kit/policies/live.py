"""Puts the changes of a process's policies in force, and ends them on time."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context

from services.duration import format_duration_ms
from services.kit.policies.leases import PolicyLeases
from services.kit.policies.messages import Ended, PolicyLease, PolicyRequest, PolicyState
from services.policy.assignment import ServicePolicy, parameters
from services.policy.change import Policies, whereabouts

_log = logging.getLogger(__name__)
_SHORTEST_TIMER_S = 0.001
"""uvloop rounds timers to milliseconds, and fires some early; a shorter one would spin."""


class LivePolicies:
    """Policies of a process that serves.

    A change is over at its instant: a timer ends it, and so does the first request after the process was stopped meanwhile.

    Args:
        leases: The changes.
        active: Told how many are in force, whenever that changes.
    """

    def __init__(self, leases: PolicyLeases, active: Callable[[int], None]) -> None:
        self._leases = leases
        self._active = active
        self._adopt: Callable[[Policies], None] = lambda _policies: None
        self._adopted = leases.in_force
        self._timer: asyncio.TimerHandle | None = None

    @property
    def in_force(self) -> Policies:
        """What protects the process now."""
        return self._leases.in_force

    @contextmanager
    def adopted_by(self, adopt: Callable[[Policies], None]) -> Iterator[None]:
        """While the context is open, `adopt` puts in force what changes. The process ends with it, and its changes too."""
        self._adopt = adopt
        try:
            yield
        finally:
            self._stop_timer()

    def grant(self, request: PolicyRequest) -> PolicyLease:
        """Puts a change in force. Raises LeaseRefusedError."""
        self.sweep()
        lease = self._leases.grant(request)
        lasts = format_duration_ms(request.lease_ms)
        _log.info("policy: %s %s for %s (%s)", request.change, whereabouts(request.change), lasts, request.source)
        self._settle()
        return lease

    def end(self, lease_id: str | None = None) -> int:
        """Ends one change, or all, now. Returns how many were in force."""
        self.sweep()
        ended = self._leases.end(lease_id)
        for change in ended:
            _log.info("policy: %s %s was ended", change, whereabouts(change))
        if ended:
            self._settle()
        return len(ended)

    def ended(self, lease_id: str | None = None) -> Ended:
        """The same, as an answer."""
        return Ended(ended=self.end(lease_id))

    def sweep(self) -> None:
        """Ends what is over."""
        if self._leases.count and self._drop_over():
            self._settle()

    def snapshot(self) -> PolicyState:
        """What is in force, and why."""
        self.sweep()
        return PolicyState(
            service=self.in_force.service,
            edges={edge: parameters(policy) for edge, policy in self.in_force.edges.items()},
            limit=parameters(ServicePolicy(limit=self.in_force.limit)),
            leases=self._leases.views(),
        )

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def _settle(self) -> None:
        if self._leases.in_force != self._adopted:
            self._adopted = self._leases.in_force
            self._adopt(self._adopted)
        self._active(self._leases.count)
        self._stop_timer()
        left_s = self._leases.left_s()
        if left_s is not None:  # In a context of its own: its end belongs to no request.
            delay_s = max(left_s, _SHORTEST_TIMER_S)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._on_time, context=Context())

    def _on_time(self) -> None:
        """It may be early: then nothing is over yet, and the rest is waited for."""
        self._drop_over()
        self._settle()

    def _drop_over(self) -> bool:
        over = self._leases.sweep()
        for change in over:
            _log.info("policy: %s %s has ended", change, whereabouts(change))
        return bool(over)
