"""The load generator as a process of its own: Locust with FeastFast's journeys, playing one fixed schedule."""

import importlib.util
import os
import signal
import subprocess
import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from chaos.experiment.errors import RunError
from chaos.experiment.experiment_file import LoadedExperiment
from chaos.experiment.fault_plan import SurgePlan
from chaos.experiment.model import Load
from testbed.load_target import load_target
from testbed.ports import HOST

START_TIMEOUT_S = 30.0
"""From its start to the schedule's first instant: Locust's imports, and the customers who sign in one after another."""
_START_FILE = "start.json"
_STOP_S = 3.0
_LOG_LINES = 8


class Start(BaseModel):
    """What the load generator writes once it knows when it begins."""

    model_config = ConfigDict(frozen=True)

    started_unix: float


@dataclass(frozen=True)
class Surge:
    """Arrivals of one journey that come on top of the load between two instants of the schedule."""

    journey: str
    extra_per_s: float
    start_s: float
    end_s: float


def surge_of(loaded: LoadedExperiment) -> Surge | None:
    """What an experiment's fault adds to its load: all of the fault's window; None for a fault that is no surge."""
    fault = loaded.experiment.fault
    if not isinstance(fault, SurgePlan):
        return None
    load_per_s = loaded.rates_per_s[fault.journey]
    _, _, struck_s, lift_s, _ = loaded.experiment.phases.marks_s()
    return Surge(fault.journey, fault.asked_per_s(load_per_s) - load_per_s, struck_s, lift_s)


@dataclass(frozen=True)
class LoadSchedule:
    """What to play, against what, and where to keep the record.

    Attributes:
        pace: How many times as often its customers come as it says. A surge is stated as it comes.
        targets: The folder in which Prometheus looks for whom to ask.
        run: Of which run it is, in the baggage of its requests.
        arm: Of which arm.
        metrics_host: The interface that its metrics are served on.
        metrics_seen_at: What Prometheus calls that interface.
    """

    load: Load
    pace: float
    surge: Surge | None
    host: str
    seed: int
    run_s: float
    record: Path
    log: Path
    targets: Path
    run: str
    arm: str
    metrics_host: str = HOST
    metrics_seen_at: str = HOST

    def command(self, metrics_port: int) -> list[str]:
        """Arguments of the process. Raises RunError when the load generator is not installed."""
        found = importlib.util.find_spec("loadtests")
        if importlib.util.find_spec("locust") is None or found is None or not found.submodule_search_locations:
            raise RunError("the load generator is not installed; install it with: pip install 'firebreak[lab]'")
        locustfile = Path(found.submodule_search_locations[0]) / "locustfile.py"
        mix = ",".join(f"{name}={rate}" for name, rate in self.load.rates_per_s.items())
        options = {
            "-f": locustfile,
            "--host": self.host,
            "--users": self.load.total_per_s,
            "--pace": f"{self.pace:g}",
            "--mix": mix,
            "--customers": self.load.customers,
            "--seed": self.seed,
            "--run-seconds": f"{self.run_s:g}",
            "--record": self.record,
            "--metrics-host": self.metrics_host,
            "--metrics-port": metrics_port,
            "--run-id": self.run,
            "--arm": self.arm,
        }
        if self.surge is not None:
            surge = self.surge
            options["--surge"] = f"{surge.journey}={surge.extra_per_s:g}@{surge.start_s:g}-{surge.end_s:g}"
        leashed = [sys.executable, "-m", "testbed.leash", str(os.getpid()), "locust", "--headless"]
        return leashed + [str(part) for pair in options.items() for part in pair]


class LoadProcess:
    """Runs a schedule from entering to leaving; what is left of it then is killed.

    It is on a leash (testbed.leash), so it ends with this process however this process ends, and in a session of its own, so
    that Ctrl-C reaches it only through us. Enter it in the main thread: the leash is held by the thread that starts it.
    """

    def __init__(self, schedule: LoadSchedule) -> None:
        self._schedule = schedule
        self._process: subprocess.Popen[bytes] | None = None
        self._told = ExitStack()

    def __enter__(self) -> "LoadProcess":
        with ExitStack() as told:
            schedule = self._schedule
            port = told.enter_context(load_target(schedule.targets, schedule.metrics_host, schedule.metrics_seen_at))
            self._start(schedule.command(port))
            self._told = told.pop_all()
        return self

    def _start(self, command: list[str]) -> None:
        with self._schedule.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def __exit__(self, *_: object) -> None:
        with self._told:
            self._end()

    def _end(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
        process.kill()
        process.wait()

    def check(self) -> None:
        """Raises RunError when the load generator has ended, which it must not before its schedule has."""
        if self._process is not None and self._process.poll() is not None:
            raise RunError(f"the load generator ended early, with exit code {self._process.returncode}:\n{self._tail()}")

    def started_at(self) -> float | None:
        """Unix time of the schedule's second 0, which lies a moment ahead when it is first told; None until it is known."""
        try:
            return Start.model_validate_json((self._schedule.record / _START_FILE).read_bytes()).started_unix
        except FileNotFoundError:
            return None

    def has_ended(self) -> bool:
        """Whether the last journey has ended and the record is closed. Raises RunError when the process failed.

        Exit code 1 means a record that is whole but for what its load.json says; judging it is another's business.
        """
        code = None if self._process is None else self._process.poll()
        if code not in (None, 0, 1):
            raise RunError(f"the load generator failed with exit code {code}:\n{self._tail()}")
        if code is not None:
            self._told.close()  # The system goes on for a while: Prometheus would take the load for one that died.
        return code is not None

    def _tail(self) -> str:
        try:
            lines = self._schedule.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            lines = [f"{self._schedule.log}: {error.strerror}"]
        return "\n".join(f"  {line}" for line in lines[-_LOG_LINES:])
