"""The attempts of one call: each at a replica, under a timeout, watched, and with headers of its own."""

import asyncio
import math
import time

from observability import request_id
from services.kit.answers import REQUEST_ID_HEADER
from services.kit.attempt_watch import AttemptWatch
from services.kit.discovery import Resolver
from services.kit.edge import Edge
from services.kit.errors import AttemptTimeoutError, UnreachableError
from services.kit.message import Outgoing, Reply
from services.kit.resilience import deadline, priority
from services.kit.resilience.course import Course
from services.kit.resilience.timeout import Bound
from services.kit.transport import Transport
from services.registry import Instance


class Sending:
    """One call's way over `edge`.

    Args:
        edge: Whose replicas are asked, under its attempt timeout.
        outgoing: What is asked.
        resolver: Finds replicas.
        transport: Sends one attempt.
        watch: Sees every attempt.
    """

    __slots__ = ("_edge", "_outgoing", "_resolver", "_transport", "_tried", "_watch")

    def __init__(self, edge: Edge, outgoing: Outgoing, resolver: Resolver, transport: Transport, watch: AttemptWatch) -> None:
        self._edge = edge
        self._outgoing = outgoing
        self._resolver = resolver
        self._transport = transport
        self._watch = watch
        self._tried: tuple[str, ...] = ()

    def elsewhere(self) -> bool:
        """Whether a replica would take an attempt that has not been asked yet."""
        instances = self._resolver.resolve(self._edge.callee)
        return any(instance.name not in self._tried for instance in self._edge.balancer.rotation(instances))

    async def attempt(self, number: int, course: Course) -> Reply:
        """Attempt `number`, at another replica than those before it if there is one. Raises CallError."""
        edge = self._edge
        instance = self._choose()
        ticket = edge.balancer.begin(instance)
        try:
            with self._watch.begin(edge.name, instance, self._outgoing, number, course) as watched:
                headers = watched.headers()
                _add_context(headers, self._outgoing)
                reply = await self._bounded(instance, headers)
                watched.answered(reply.status)
        except BaseException as error:
            course.report(ticket, error)
            raise
        ticket.succeeded()
        return reply

    def _choose(self) -> Instance:
        instances = self._resolver.resolve(self._edge.callee)
        if not instances:
            raise UnreachableError(self._edge.name, "no instance is up")
        tried = self._tried
        if tried and all(instance.name in tried for instance in instances):
            tried = tried[-1:]  # Everybody was asked: then it is the one that was asked last that is to be avoided.
        instance = self._edge.balancer.choose(instances, tried)
        self._tried = (*tried, instance.name)
        return instance

    async def _bounded(self, instance: Instance, headers: dict[str, str]) -> Reply:
        edge, limits = self._edge, self._edge.policy.timeout
        if limits is None:
            return await self._transport.send(edge.name, instance, self._outgoing, headers, None)
        bound = Bound(asyncio.get_running_loop().time() + limits.attempt_ms / 1_000)
        try:
            with bound:
                return await self._transport.send(edge.name, instance, self._outgoing, headers, limits)
        except TimeoutError:
            if bound.expired:
                raise AttemptTimeoutError(edge.name, f"no answer from {instance.name} in time") from None
            raise


def _add_context(headers: dict[str, str], outgoing: Outgoing) -> None:
    """The request's id, how urgent it is, and the time that is left."""
    named = request_id.current.get()
    if named:
        headers[REQUEST_ID_HEADER] = named
    urgency = priority.current() if outgoing.urgency is None else outgoing.urgency
    if urgency != priority.DEFAULT:
        headers[priority.HEADER] = priority.format_header(urgency)
    left_ms = deadline.remaining_ms()
    if left_ms is not None:
        # Never zero: a callee would refuse at once what is still waited for, if only until a timer fires, and seem to fail.
        headers[deadline.HEADER] = str(max(1, math.ceil(round(left_ms, 3))))
        headers[deadline.AT_HEADER] = f"{time.time() + left_ms / 1_000:.3f}"
