"""A run with a beginning and an end: set up, play the schedule, wait for what is in flight, sum up."""

import logging
import math
import signal
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Final

import gevent
from gevent.event import Event

from loadtests.arrivals import arrivals
from loadtests.client import Client, Host
from loadtests.clock import Clock
from loadtests.dispatcher import Dispatcher
from loadtests.journeys import JOURNEYS
from loadtests.load import Load
from loadtests.metrics import LoadMetrics
from loadtests.plan import Schedule
from loadtests.recorder import Recorder, RequestRecord, write_atomically
from loadtests.setup import SetupError, sign_in_customers
from loadtests.summary import START_FILE, SUMMARY_FILE, StartFacts, Summary
from loadtests.tally import Tally
from loadtests.timer import best_timer, claim_processor, reduce_jitter
from loadtests.visit import Publish

_FLUSH_EVERY_S: Final = 0.25
_SETTLE_S: Final = 0.5
"""Between the end of the set-up and second 0, when nobody says when to start."""
_DRAIN_SLACK_S: Final = 1.0

log = logging.getLogger(__name__)


class ScheduledRun:
    """Plays a schedule in a greenlet of its own.

    Args:
        schedule: What to play.
        recorder: Keeps every request; None keeps none.
        publish: Takes every request for Locust's statistics.
        metrics: Counts for Prometheus.
        ended: Called once, last, with the exit code: 0 for a complete run, 1 for another, 128 + signal for one cut short.
    """

    def __init__(
        self,
        schedule: Schedule,
        recorder: Recorder | None,
        publish: Publish,
        metrics: LoadMetrics,
        ended: Callable[[int], None],
    ) -> None:
        self._schedule = schedule
        self._recorder = recorder
        self._publish = publish
        self._metrics = metrics
        self._ended = ended
        self._clock = Clock.starting_at(schedule.start_at_unix_s or time.time())
        self._tally = Tally.of(schedule.plan.mix.journeys)
        self._dispatcher: Dispatcher | None = None
        self._load: Load | None = None
        self._signal: int | None = None
        self._setting_up = False
        self._real_time = False
        self._ending = Event()
        self._over = Event()
        self._greenlet = gevent.Greenlet(self._conduct)

    def start(self) -> None:
        """Begins; returns at once."""
        schedule, plan = self._schedule, self._schedule.plan
        log.info(
            "Open-loop load on %s: %g arrivals a second (%s) for %g s, mix %s, seed %d",
            plan.host,
            schedule.users * schedule.pace,
            plan.law,
            schedule.run_s,
            plan.mix,
            plan.seed,
        )
        self._greenlet.start()

    def interrupt(self, number: int) -> None:
        """Ends arrivals because of the signal `number`. Another one also ends what is in flight."""
        if self._signal is not None and self._load is not None:
            self._load.drain(0.0)
        self._signal = self._signal or number
        if self._dispatcher is not None:
            self._dispatcher.stop()
        elif self._setting_up:
            self._greenlet.kill(block=False)
        else:
            self._greenlet.start()  # If it has not begun, it sees the signal and ends.

    def end(self) -> None:
        """Ends the run, if it is not over yet, and returns when it is summed up."""
        if not self._over.is_set():
            self.interrupt(signal.SIGTERM)
        self._over.wait()

    def _conduct(self) -> None:
        flusher = gevent.spawn(self._flush)
        problem: str | None = "the load generator failed; its log says how"
        try:
            problem = self._play()
        except (SetupError, OSError) as error:
            problem = str(error)
        except gevent.GreenletExit:
            problem = self._cut_short()
        finally:
            self._ending.set()
            flusher.join()
            self._finish(problem)

    def _play(self) -> str | None:
        """Plays everything; returns what was wrong with it."""
        schedule, plan = self._schedule, self._schedule.plan
        if self._signal is not None:
            return self._cut_short()
        self._setting_up = True
        client = Client(Host.parse(plan.host))
        accounts = sign_in_customers(plan, client)
        self._setting_up = False
        self._clock = clock = Clock.starting_at(schedule.start_at_unix_s or time.time() + _SETTLE_S)
        if clock.now_s() > 0:
            raise SetupError(
                f"signing in {plan.customers} customers ended {clock.now_s():.1f} s after --start-at; start it later"
            )
        shortest_s = min((account.lifetime_s for account in accounts), default=math.inf)
        if shortest_s < schedule.run_s - clock.now_s() + self._drain_limit_s(played=True):
            raise SetupError(f"the customers' tokens end after {shortest_s:g} s, before the load does; shorten --run-seconds")
        if schedule.record is not None:
            write_atomically(schedule.record / START_FILE, asdict(StartFacts(clock.start_unix_s)))
        self._load = load = Load(plan, clock, client, accounts, self._tally, self._record, self._publish, self._metrics)
        self._metrics.follow(
            plan.mix.journeys, lambda: load.in_flight, lambda journey: schedule.rate_per_s(journey, clock.now_s())
        )
        timer = best_timer(clock)
        self._dispatcher = dispatcher = Dispatcher(clock.now_s, timer, load.start)
        for source in range(schedule.users):
            dispatcher.add(source, arrivals(plan.seed, source, plan.mix, plan.law, pace=schedule.pace))
        if schedule.surge is not None:
            dispatcher.add(schedule.users, schedule.surge.arrivals(plan.seed, schedule.users, plan.law))
        reduce_jitter()
        self._real_time = claim_processor()
        played = dispatcher.run(schedule.run_s)
        self._dispatcher = None  # From here its timer is closed: a late signal must not wake whoever has that descriptor next.
        timer.close()
        ended_by_force = load.drain(self._drain_limit_s(played=played))
        client.close()
        return self._problem(played=played, ended_by_force=ended_by_force)

    def _problem(self, *, played: bool, ended_by_force: int) -> str | None:
        if self._signal is not None:
            return self._cut_short()
        if self._tally.dropped:
            return f"{self._tally.dropped} arrivals dropped: {self._schedule.plan.max_in_flight} journeys were in flight already"
        if ended_by_force or not played:
            return f"ended early, with {ended_by_force} journeys in flight"
        if not self._tally.accounted:
            return "some journeys have no end; the log says why"
        return None

    def _cut_short(self) -> str:
        return f"cut short by {signal.Signals(self._signal).name}" if self._signal else "cut short"

    def _drain_limit_s(self, *, played: bool) -> float:
        """The last arrival may use its patience for every step; after an interruption nobody waits for more than one."""
        steps = max(len(JOURNEYS[name].steps) for name in self._schedule.plan.mix.journeys) if played else 1
        return steps * self._schedule.plan.patience_ms / 1_000 + _DRAIN_SLACK_S

    def _record(self, record: RequestRecord) -> None:
        if self._recorder is not None:
            self._recorder.record(record)

    def _flush(self) -> None:
        """Writes records in batches. A thread does it: a slow disk must not hold up arrivals."""
        recorder = self._recorder
        while recorder is not None and recorder.problem is None and not self._ending.wait(_FLUSH_EVERY_S):
            gevent.get_hub().threadpool.apply(recorder.write, (recorder.take(),))
        if recorder is not None and recorder.problem is not None and self._dispatcher is not None:
            self._dispatcher.stop()  # What cannot be recorded proves nothing.

    def _finish(self, problem: str | None) -> None:
        if self._recorder is not None:
            self._recorder.close()
            problem = self._recorder.problem or problem
        summary = Summary.of(self._schedule, self._clock.start_unix_s, self._tally, problem, real_time=self._real_time)
        if self._schedule.record is not None:
            try:
                write_atomically(self._schedule.record / SUMMARY_FILE, asdict(summary))
            except OSError as error:
                problem = problem or f"{self._schedule.record / SUMMARY_FILE} cannot be written: {error.strerror}"
        lateness = summary.lateness_ms
        log.info(
            "%d arrivals; first requests late by %.2f ms (p50), %.2f ms (p99), %.2f ms (max)%s",
            summary.arrivals,
            lateness.p50,
            lateness.p99,
            lateness.max,
            "" if self._real_time or not summary.arrivals else "; without real-time scheduling, which is not permitted here",
        )
        if problem is not None:
            log.error("The load is incomplete: %s", problem)
        self._ended(0 if problem is None else 1 if self._signal is None else 128 + self._signal)
        self._over.set()
