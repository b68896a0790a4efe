"""Journeys in flight: each arrival becomes a greenlet of its own, up to a bound."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from gevent.pool import Group

from loadtests.arrivals import Arrival
from loadtests.client import Client
from loadtests.clock import Clock
from loadtests.journeys import JOURNEYS
from loadtests.journeys.journey import MAX_PLACED_ORDERS, Account, Journey, SkipJourney
from loadtests.metrics import LoadMetrics
from loadtests.plan import Plan
from loadtests.recorder import RequestRecord
from loadtests.tally import Tally
from loadtests.visit import LiveVisit, Publish, StepFailedError, Surroundings

_NO_TRACE: Final = "0" * 32
_KILL_LIMIT_S: Final = 1.0


class Load:
    """Starts journeys and counts what becomes of them.

    Args:
        plan: Bound of journeys in flight, patience, mix.
        clock: The schedule's time.
        client: Sends the requests.
        accounts: Customers who are signed in.
        tally: Counts what becomes of every arrival.
        record: Called with every request.
        publish: Called with every request, for Locust's statistics.
        metrics: Counts every arrival and every request, for Prometheus.
    """

    def __init__(
        self,
        plan: Plan,
        clock: Clock,
        client: Client,
        accounts: Sequence[Account],
        tally: Tally,
        record: Callable[[RequestRecord], None],
        publish: Publish,
        metrics: LoadMetrics,
    ) -> None:
        self._tally = tally
        self._max_in_flight = plan.max_in_flight
        self._in_flight = Group()
        self._around = Surroundings(
            client=client,
            clock=clock,
            plan=plan,
            accounts=accounts,
            orders=deque(maxlen=MAX_PLACED_ORDERS),
            tally=tally,
            record=record,
            publish=publish,
            metrics=metrics,
        )

    @property
    def in_flight(self) -> int:
        """Journeys under way."""
        return len(self._in_flight)

    def start(self, arrival: Arrival) -> None:
        """Starts the arrival's journey without waiting for anything; beyond the bound it is dropped, and counted."""
        self._tally.journeys[arrival.journey].intended += 1
        self._around.metrics.arrived(arrival.journey)
        if len(self._in_flight) < self._max_in_flight:
            self._in_flight.spawn(self._visit, arrival, JOURNEYS[arrival.journey])
        else:
            self._drop(arrival, JOURNEYS[arrival.journey])

    def drain(self, limit_s: float) -> int:
        """Waits up to `limit_s` for journeys in flight, then ends the rest. Returns how many had to be ended."""
        self._in_flight.join(limit_s)
        left = len(self._in_flight)
        self._in_flight.kill(timeout=_KILL_LIMIT_S)
        return left

    def _visit(self, arrival: Arrival, kind: Journey) -> None:
        counts = self._tally.journeys[kind.name]
        try:
            kind.run(LiveVisit(arrival, kind, self._around))
        except SkipJourney:
            counts.skipped += 1
        except StepFailedError as failure:
            if failure.outcome == "abandoned":
                counts.abandoned += 1
            else:
                counts.failed += 1
        else:
            counts.completed += 1

    def _drop(self, arrival: Arrival, kind: Journey) -> None:
        now_s = self._around.clock.now_s()
        self._tally.journeys[kind.name].dropped += 1
        record = RequestRecord(
            journey=kind.name,
            id=arrival.id,
            step=kind.steps[0],
            intended=arrival.instant_s,
            sent=now_s,
            done=now_s,
            status=0,
            outcome="error",
            degraded=False,
            trace_id=_NO_TRACE,
            last=True,
        )
        self._around.record(record)
        self._around.metrics.ended(record, arrival.instant_s)
        self._around.publish(
            request_type="-",
            name=f"{kind.name}: {kind.steps[0]}",
            response_time=(now_s - arrival.instant_s) * 1_000,
            response_length=0,
            exception=StepFailedError("error", f"dropped: {self._max_in_flight} journeys in flight already"),
            context={},
        )
