"""What is known of one call while it is under way, and what the end of an attempt says about the callee."""

import asyncio

from services.kit.errors import CallError, DeadlineExceededError, ShedError
from services.kit.resilience.permit import Permit
from services.kit.resilience.timeout import Bound


class Course:
    """One call over `edge`, all of its attempts together."""

    __slots__ = ("attempts", "bound", "edge", "hedges", "owns_deadline")

    def __init__(self, edge: str) -> None:
        self.edge = edge
        self.attempts = 0
        """Begun so far."""
        self.hedges = 0
        """Of them, those that were sent while another was late."""
        self.bound: Bound | None = None
        """Its deadline, if it has one."""
        self.owns_deadline = False
        """Whether that is the edge's own, and not an earlier one of who waits for the call."""

    @property
    def is_late(self) -> bool:
        """Whether its deadline has come, so that a cancellation means just that."""
        return self.bound is not None and self.bound.expired

    def fault(self, error: BaseException) -> Exception | None:
        """What `error`, with which an attempt ended, holds against the callee; None when it says nothing about it.

        A callee that sheds works. A cancelled attempt was not waited for to its end: because the caller is gone, because a hedge
        was faster, or because the deadline of somebody else, who may have left next to no time, has come. Only when it is the
        edge's own deadline was the callee given the time that the edge deems enough.
        """
        if isinstance(error, CallError):
            return None if isinstance(error, ShedError) else error
        if isinstance(error, asyncio.CancelledError) and self.owns_deadline and self.is_late:
            return DeadlineExceededError(self.edge, "took longer than its deadline")
        return None

    def report(self, permit: Permit[object], error: BaseException) -> None:
        """Tells a breaker, or a balancer, that an attempt ended with `error`."""
        fault = self.fault(error)
        if fault is None:
            permit.abandoned()
        else:
            permit.failed(fault)
