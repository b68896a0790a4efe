"""Ties the load to Locust: its command line, its events, its signals and its exit code.

Only this module and the locustfile know Locust, which patches the standard library when it is imported.
"""

import logging
import signal
import sys
from typing import Any, NoReturn

import gevent
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

from loadtests.exposition import Exposition
from loadtests.interactive import InteractiveRun
from loadtests.metrics import LoadMetrics
from loadtests.options import LOOPBACK, draw_seed, read_plan, read_schedule
from loadtests.plan import Schedule
from loadtests.recorder import Recorder
from loadtests.scheduled import ScheduledRun
from loadtests.setup import SetupError

log = logging.getLogger(__name__)


class Session:
    """The load of one Locust process. Ends the process with code 2 for arguments that make no sense.

    Args:
        environment: Locust's Environment (which is only partly typed), with its runner made and its command line parsed.
    """

    def __init__(self, environment: Any) -> None:
        self._environment = environment
        self._options = environment.parsed_options
        if self._options.seed is None:
            self._options.seed = draw_seed()  # Here, so that a master's workers get it too.
        self._metrics = LoadMetrics()
        self._exposition: Exposition | None = None
        self._interactive: InteractiveRun | None = None
        self._scheduled: ScheduledRun | None = None
        try:
            schedule = read_schedule(self._options, environment.host, self._options.seed)
            if schedule is not None:
                self._scheduled = self._schedule(schedule)
            elif self._options.headless:
                read_plan(self._options, environment.host, self._options.seed)
        except ValueError as error:
            _refuse(str(error))
        if isinstance(environment.runner, LocalRunner) or (
            isinstance(environment.runner, WorkerRunner) and not self._shares_ports
        ):
            self._serve_metrics(0)
        environment.events.test_start.add_listener(self._test_start)
        environment.events.test_stop.add_listener(self._test_stop)
        environment.events.quitting.add_listener(self._quitting)
        self._signals = [gevent.signal_handler(number, self._interrupt, number) for number in (signal.SIGINT, signal.SIGTERM)]

    def join(self) -> int | None:
        """A Locust user starts: in an interactive run, a source. Returns its index."""
        return None if self._interactive is None else self._interactive.join()

    def leave(self, source: int | None) -> None:
        """A Locust user stops."""
        if self._interactive is not None and source is not None:
            self._interactive.leave(source)

    def _schedule(self, schedule: Schedule) -> ScheduledRun:
        recorder = None
        if schedule.record is not None:
            try:
                recorder = Recorder(schedule.record)
            except OSError as error:
                raise ValueError(
                    f"--record {schedule.record}: {error.strerror}: {error.filename}; allowed: a folder without a record"
                ) from None
        self._options.only_summary = True  # Locust's table every two seconds would delay arrivals.
        return ScheduledRun(schedule, recorder, self._environment.events.request.fire, self._metrics, self._ended)

    @property
    def _shares_ports(self) -> bool:
        """Whether workers are on one machine. Elsewhere, as in containers, each has an address of its own."""
        return bool(self._options.metrics_host == LOOPBACK)

    def _serve_metrics(self, worker: int) -> None:
        """Once; a worker that shares ports does when it has got its index. What its master adds up is not exported again."""
        if self._exposition is None:
            port = self._options.metrics_port
            moved = port + worker if port and self._shares_ports else port
            self._exposition = Exposition(self._metrics.registry, self._options.metrics_host, moved)

    def _test_start(self, **_event: object) -> None:
        if self._scheduled is not None:
            self._scheduled.start()
        elif not isinstance(self._environment.runner, MasterRunner):
            self._serve_metrics(self._environment.runner.worker_index)
            self._start_interactive()

    def _start_interactive(self) -> None:
        runner = self._environment.runner
        try:
            plan = read_plan(self._options, self._environment.host, self._options.seed)
            fire = self._environment.events.request.fire
            self._interactive = InteractiveRun(plan, runner.worker_index, fire, self._metrics)
            log.info("Open-loop load on %s: %s arrivals, mix %s, seed %d", plan.host, plan.law, plan.mix, plan.seed)
        except (ValueError, SetupError, OSError) as error:
            log.error("The load cannot start: %s", error)  # noqa: TRY400 - the text is for people
            if self._options.headless:
                self._environment.process_exit_code = 1
            gevent.spawn(runner.quit if self._options.headless else runner.stop)

    def _test_stop(self, **_event: object) -> None:
        if self._interactive is not None:
            run, self._interactive = self._interactive, None
            run.stop()

    def _interrupt(self, number: int) -> None:
        if self._scheduled is not None:
            self._scheduled.interrupt(number)
            return
        self._environment.process_exit_code = 128 + number
        if self._environment.web_ui is not None:
            self._environment.web_ui.stop()
        else:
            self._environment.runner.quit()

    def _quitting(self, **_event: object) -> None:
        """Locust ends, for whatever reason: first the run has to."""
        if self._scheduled is not None:
            self._scheduled.end()
        if self._exposition is not None:
            self._exposition.close()

    def _ended(self, exit_code: int) -> None:
        self._environment.process_exit_code = exit_code
        gevent.spawn(self._environment.runner.quit)


def _refuse(problem: str) -> NoReturn:
    sys.stderr.write(f"locust: error: {problem}\n")
    sys.exit(2)
