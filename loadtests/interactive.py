"""A run without a fixed end: sources come and go as Locust spawns and stops its users, from the web UI or a terminal."""

import logging
from typing import Final

import gevent

from loadtests.arrivals import arrivals
from loadtests.client import Client, Host
from loadtests.clock import Clock
from loadtests.dispatcher import Dispatcher
from loadtests.load import Load
from loadtests.metrics import LoadMetrics
from loadtests.plan import Plan
from loadtests.setup import keep_signed_in, sign_in_customers
from loadtests.tally import Tally
from loadtests.timer import best_timer, reduce_jitter
from loadtests.visit import Publish

_SOURCES_PER_WORKER: Final = 1_000_000

log = logging.getLogger(__name__)


class InteractiveRun:
    """Signs customers in and lets sources come and go. Raises SetupError or OSError when the system cannot be used.

    Args:
        plan: What arrivals are like.
        worker: Index of this Locust worker; 0 in a single process. Workers share a seed, never a source.
        publish: Takes every request for Locust's statistics.
        metrics: Counts for Prometheus.
    """

    def __init__(self, plan: Plan, worker: int, publish: Publish, metrics: LoadMetrics) -> None:
        self._plan = plan
        self._next_source = worker * _SOURCES_PER_WORKER
        self._client = Client(Host.parse(plan.host))
        accounts = sign_in_customers(plan, self._client)
        reduce_jitter()
        self._clock = Clock.starting_now()
        self._tally = Tally.of(plan.mix.journeys)
        self._load = Load(plan, self._clock, self._client, accounts, self._tally, lambda _record: None, publish, metrics)
        self._timer = best_timer(self._clock)
        self._dispatcher = Dispatcher(self._clock.now_s, self._timer, self._load.start)
        self._greenlet = gevent.spawn(self._dispatcher.run)
        self._renewal = gevent.spawn(keep_signed_in, plan, self._client, accounts)
        metrics.follow(
            plan.mix.journeys,
            lambda: self._load.in_flight,
            lambda journey: self._dispatcher.sources * plan.mix.share(journey),
        )

    def join(self) -> int:
        """Adds a source, one arrival a second from now on. Returns its index."""
        source, self._next_source = self._next_source, self._next_source + 1
        plan = self._plan
        self._dispatcher.add(source, arrivals(plan.seed, source, plan.mix, plan.law, self._clock.now_s()))
        return source

    def leave(self, source: int) -> None:
        """Ends a source."""
        self._dispatcher.remove(source)

    def stop(self) -> None:
        """Ends all sources and, at once, what is in flight."""
        self._renewal.kill()
        self._dispatcher.stop()
        self._greenlet.join()
        self._timer.close()
        self._load.drain(0.0)
        self._client.close()
        lateness = self._tally.lateness()
        log.info(
            "%d arrivals; first requests late by %.2f ms (p50), %.2f ms (p99)", self._tally.arrivals, lateness.p50, lateness.p99
        )
