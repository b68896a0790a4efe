"""One journey under way: sends its steps, watches the customer's patience, and tells what happened."""

import json
import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import gevent

from loadtests.arrivals import Arrival
from loadtests.client import REQUEST_ERRORS, Answer, Client
from loadtests.clock import Clock
from loadtests.journeys.journey import Account, Journey, PlacedOrder, Request, Visit
from loadtests.metrics import LoadMetrics
from loadtests.plan import Plan
from loadtests.recorder import Outcome, RequestRecord
from loadtests.tally import Tally

T = TypeVar("T")


class StepFailedError(Exception):
    """A step that was not ok; it ends the journey. Its text is one of few, so that it can be counted by."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


class Publish(Protocol):
    """Locust's `events.request.fire`: what its statistics and its web UI are made of."""

    def __call__(
        self,
        *,
        request_type: str,
        name: str,
        response_time: float,
        response_length: int,
        exception: Exception | None,
        context: dict[str, Any],
    ) -> None:
        """Counts one request; `response_time` in milliseconds."""


@dataclass(frozen=True)
class Surroundings:
    """What all visits of a run share."""

    client: Client
    clock: Clock
    plan: Plan
    accounts: Sequence[Account]
    orders: deque[PlacedOrder]
    tally: Tally
    record: Callable[[RequestRecord], None]
    publish: Publish
    metrics: LoadMetrics


class LiveVisit(Visit):
    """See Visit. A first step counts from the arrival's instant, a later one from the end of the step before."""

    def __init__(self, arrival: Arrival, kind: Journey, around: Surroundings) -> None:
        self.random = arrival.random()
        self.accounts = around.accounts
        self.orders = around.orders
        self._arrival = arrival
        self._kind = kind
        self._around = around
        self._due_s = arrival.instant_s

    def ask(self, request: Request, read: Callable[[object], T]) -> T:
        """See Visit. Raises StepFailedError."""
        around = self._around
        sent_s = around.clock.now_s()
        if request.step == self._kind.steps[0]:
            around.tally.sent(self._kind.name, (sent_s - self._due_s) * 1_000)
        trace_id = os.urandom(16).hex()
        headers = _headers(request, around.plan.baggage(self._kind.name), trace_id)
        try:
            answer = self._send(request, headers, self._due_s + around.plan.patience_ms / 1_000 - sent_s)
        except StepFailedError as failure:
            self._end(request, sent_s, around.clock.now_s(), trace_id, None, failure)
            raise
        done_s = around.clock.now_s()
        try:
            value = _checked(request, answer, read)
        except StepFailedError as failure:
            self._end(request, sent_s, done_s, trace_id, answer, failure)
            raise
        self._end(request, sent_s, done_s, trace_id, answer, None)
        return value

    def _send(self, request: Request, headers: dict[str, str], limit_s: float) -> Answer:
        try:
            # One limit over connecting, sending and reading: a server that drips bytes does not renew it. Zero would mean none.
            with gevent.Timeout(max(limit_s, 1e-6)):
                return self._around.client.send(request.method, request.path, headers, request.payload)
        except gevent.Timeout:
            raise StepFailedError("abandoned", f"gave up after {self._around.plan.patience_ms / 1_000:g} s") from None
        except gevent.GreenletExit:
            raise StepFailedError("abandoned", "the run ended") from None
        except REQUEST_ERRORS as error:
            raise StepFailedError("error", f"no answer ({type(error).__name__})") from None

    def _end(
        self,
        request: Request,
        sent_s: float,
        done_s: float,
        trace_id: str,
        answer: Answer | None,
        failure: StepFailedError | None,
    ) -> None:
        journey, due_s, self._due_s = self._kind, self._due_s, done_s
        record = RequestRecord(
            journey=journey.name,
            id=self._arrival.id,
            step=request.step,
            intended=due_s,
            sent=sent_s,
            done=done_s,
            status=answer.status if answer else 0,
            outcome=failure.outcome if failure else "ok",
            degraded=answer is not None and answer.degraded,
            trace_id=trace_id,
            last=failure is not None or request.step == journey.steps[-1],
        )
        self._around.record(record)
        self._around.metrics.ended(record, self._arrival.instant_s)
        self._around.publish(
            request_type=request.method,
            name=f"{journey.name}: {request.step}",
            response_time=(done_s - due_s) * 1_000,
            response_length=len(answer.body) if answer else 0,
            exception=failure,
            context={},
        )


def _checked(request: Request, answer: Answer, read: Callable[[object], T]) -> T:
    if answer.status != request.expected_status:
        raise StepFailedError("failed", f"status {answer.status}")
    try:
        return read(json.loads(answer.body))
    except ValueError as error:
        reason = "not JSON" if isinstance(error, json.JSONDecodeError | UnicodeDecodeError) else str(error)
        raise StepFailedError("failed", f"status {answer.status}, but {reason}") from None


def _headers(request: Request, baggage: str, trace_id: str) -> dict[str, str]:
    """Starts a sampled trace of its own for each step (W3C Trace Context), and says in its baggage what it belongs to.

    Ids are random, not seeded: two runs of one seed against one system must not share traces.
    """
    headers = {"traceparent": f"00-{trace_id}-{os.urandom(8).hex()}-01", "baggage": baggage}
    if request.body is not None:
        headers["Content-Type"] = "application/json"
    if request.account is not None:
        headers["Authorization"] = f"Bearer {request.account.token}"
    if request.idempotency_key is not None:
        headers["Idempotency-Key"] = request.idempotency_key
    return headers
