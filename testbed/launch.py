"""Starts a supervisor in the background and waits until its system is ready; stops it again. A leaf, like `testbed.control`.

`testbed up` and the experiment runner come through here. The two processes share a socket pair while the system starts: the
supervisor reports on it, and its end tells the supervisor that nobody waits any more, however the launcher ended.
"""

import contextlib
import fcntl
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from observability.trace_options import TracePath
from services.policy import Profile
from testbed.control import ControlError, DownRequest, NotRunningError, SystemStatus, ask
from testbed.interpreter import interpreter_environment
from testbed.last_words import last_words
from testbed.run import RunFolder

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
_ABANDON_TIMEOUT_S = 8.0  # The supervisor gives its processes 3 s before it kills them.
_POLL_S = 0.01


class Report(BaseModel):
    """One line that a starting supervisor writes for whoever launched it: how far it is, why it failed, or that all is up."""

    model_config = ConfigDict(frozen=True)

    up: int = 0
    total: int = 0
    instance: str | None = None
    error: str | None = None
    status: SystemStatus | None = None


@dataclass(frozen=True)
class LaunchOptions:
    """What to start.

    Attributes:
        state: The system's folder (testbed.run.RunFolder); a system that ended there before is cleared away.
        topology: Topology file; FeastFast's own when None.
        profile: Which protection is in force.
        without: Patterns switched off, such as `breaker@orders->payments`.
        free_ports: Take a free port for everything, the well-known ones included.
        ports: Ports by name: a service with one replica, `traces`, `otlp`, `prometheus`, `alertmanager` or `grafana`.
        stack: Start Prometheus, Alertmanager and Grafana beside it, as far as they are on the PATH.
        tracing: Who makes the server spans of requests.
        trace_ratio: The share, 0 to 1, of traces that are recorded.
        spawn: Start every process from scratch instead of forking it from a warmed parent.
        otlp: Base URL of the collector that takes spans and logs (OTLP over HTTP); the system's own store when empty.
        data: Folder of the services' databases, which stay there; fresh ones in `state` when None.
        database: URL of a PostgreSQL server to keep them on instead. It may hold a password: it is on no command line.
        nats: URL of a NATS server that is to carry events; services push them to each other when empty. Kept like `database`.
        seed: Seed of everything random in the services.
        run_id: Name of the run in telemetry; made from the time of day when empty.
        arm: Arm of an experiment, empty outside of one.
        die_with_parent: The system stops when the launching process ends, even by SIGKILL. It costs that process one
            file descriptor a launch, which is left open on purpose: only the kernel closes it reliably.
    """

    state: Path
    topology: Path | None = None
    profile: Profile = Profile.DECLARED
    without: tuple[str, ...] = ()
    free_ports: bool = False
    ports: Mapping[str, int] = field(default_factory=dict)
    stack: bool = True
    tracing: TracePath = TracePath.DEFAULT
    trace_ratio: float = 1.0
    spawn: bool = False
    otlp: str = ""
    data: Path | None = None
    database: str = field(default="", repr=False)
    nats: str = field(default="", repr=False)
    seed: int = 1
    run_id: str = ""
    arm: str = ""
    die_with_parent: bool = False

    def arguments(self) -> list[str]:
        """The supervisor's command line, without the interpreter."""
        pairs = [("--state", str(self.state.absolute())), ("--profile", str(self.profile)), ("--seed", str(self.seed))]
        if self.topology is not None:
            pairs.append(("--topology", str(self.topology.absolute())))
        pairs += [("--tracing", str(self.tracing)), ("--trace-ratio", str(self.trace_ratio))]
        pairs += [("--otlp", self.otlp)] if self.otlp else []
        pairs += [("--data", str(self.data.absolute()))] if self.data is not None else []
        pairs += [("--run-id", self.run_id)] if self.run_id else []
        pairs += [("--arm", self.arm)] if self.arm else []
        pairs += [("--without", switch) for switch in self.without]
        pairs += [("--port", f"{name}={port}") for name, port in self.ports.items()]
        flags = {
            "--free-ports": self.free_ports,
            "--no-stack": not self.stack,
            "--spawn": self.spawn,
            "--die-with-parent": self.die_with_parent,
            "--database-on-stdin": bool(self.database),
            "--nats-on-stdin": bool(self.nats),
        }
        return [f"{key}={value}" for key, value in pairs] + [flag for flag, wanted in flags.items() if wanted]


def launch(
    options: LaunchOptions,
    timeout_s: float = START_TIMEOUT_S,
    progress: Callable[[Report], None] = lambda _report: None,
) -> SystemStatus:
    """Starts a system and returns once every replica is healthy.

    Args:
        options: What to start.
        timeout_s: Longest wait, after which everything is stopped again.
        progress: Called with each report, in this thread.

    Raises:
        ControlError: The system did not start, with the supervisor's own reason; nothing of it runs any more.
        KeyboardInterrupt: Passed on once everything that had started is stopped.
    """
    if sys.platform != "linux" and not options.spawn:
        raise ControlError("forking processes from a warmed parent needs Linux; start with --spawn")
    ours, theirs = socket.socketpair()
    with ours:
        try:
            with theirs:
                _spawn(options, theirs)
            status = _wait(ours, options.state, timeout_s, progress)
        except BaseException:
            _abandon(ours)
            raise
        if options.die_with_parent:
            ours.detach()  # Left open for life: its end is how the supervisor learns of ours.
        return status


def stop(state: Path, timeout_s: float = STOP_TIMEOUT_S) -> None:
    """Stops the system of `state` and waits until its supervisor is gone. Raises NotRunningError or ControlError."""
    deadline = time.monotonic() + timeout_s
    if running_supervisor(state) is None:
        raise NotRunningError(f"no testbed runs in {state}; start one with: testbed up")
    asked = False
    while (supervisor := running_supervisor(state)) is not None:
        if time.monotonic() > deadline:
            raise ControlError(
                f"the supervisor (process {supervisor}) did not end within {timeout_s:g} s; "
                "`kill -9` of that process ends it and everything it started"
            )
        if not asked:
            with contextlib.suppress(NotRunningError):  # It does not listen yet, or not any more.
                ask(state, DownRequest(), timeout_s)
                asked = True
        time.sleep(_POLL_S)


def lock_path(state: Path) -> Path:
    """The file that a living supervisor holds locked, with its process id inside."""
    return state / "supervisor.lock"


def running_supervisor(state: Path) -> int | None:
    """Process id of the supervisor that holds `state`, or None. The lock tells, so a dead one's leftovers cannot lie."""
    try:
        with lock_path(state).open("r", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0)
    except OSError:
        return None
    return None


def _spawn(options: LaunchOptions, channel: socket.socket) -> None:
    """Returns as soon as the supervisor has detached itself; it is nobody's child then, so nobody has to reap it."""
    folder = RunFolder(options.state)
    try:
        folder.create()
        with folder.supervisor_log.open("ab") as log:
            subprocess.run(
                [sys.executable, "-m", "testbed.supervisor", "--channel", str(channel.fileno()), *options.arguments()],
                input="".join(f"{url}\n" for url in (options.database, options.nats) if url).encode(),
                stdout=log,
                stderr=log,
                env=interpreter_environment(),
                pass_fds=[channel.fileno()],
                start_new_session=True,
                check=False,
            )
    except OSError as error:
        raise ControlError(f"{error.filename or options.state}: {error.strerror}") from None


def _wait(channel: socket.socket, state: Path, timeout_s: float, progress: Callable[[Report], None]) -> SystemStatus:
    last = Report()
    for line in _lines(channel, time.monotonic() + timeout_s):
        report = Report.model_validate_json(line)
        if report.error is not None:
            raise ControlError(report.error)
        progress(report)
        if report.status is not None:
            return report.status
        last = report
    if select.select([channel], [], [], 0)[0]:
        raise ControlError(f"the supervisor ended before its system was ready{last_words(RunFolder(state).supervisor_log)}")
    raise ControlError(f"the system was not ready within {timeout_s:g} s: {last.up} of {last.total} processes were")


def _lines(channel: socket.socket, deadline: float) -> Iterator[bytes]:
    """Lines until the other end closes or the deadline passes."""
    pending = b""
    while (left_s := deadline - time.monotonic()) > 0 and select.select([channel], [], [], left_s)[0]:
        chunk = channel.recv(65_536)
        if not chunk:
            return
        *lines, pending = (pending + chunk).split(b"\n")
        yield from lines


def _abandon(channel: socket.socket) -> None:
    """Tells the supervisor that nobody waits, and waits until it has stopped what it started."""
    try:
        channel.shutdown(socket.SHUT_WR)
    except OSError:
        return
    for _line in _lines(channel, time.monotonic() + _ABANDON_TIMEOUT_S):
        pass
