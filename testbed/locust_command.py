"""The command line that puts load on a running system: Locust with FeastFast's journeys, as a process of its own."""

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from testbed.load_target import load_target
from testbed.ports import HOST, is_free

WEB_PORT: Final = 8_089
"""Locust's own default."""
_DEFAULT_DURATION_S: Final = 60.0
_INTERRUPT_TIMEOUT_S: Final = 10.0


class LoadError(Exception):
    """The load cannot be started; the text says what is missing."""


@dataclass(frozen=True)
class LoadOptions:
    """What load to send.

    Attributes:
        users: Arrivals a second.
        duration_s: How long; None only with the web page, where somebody ends it.
        mix: Weights of the journeys, such as `browse=25,order=25`; the load's own when None.
        seed: Seed of arrivals and choices; drawn when None.
        record: Folder for requests.jsonl and load.json.
        web_port: Port of Locust's web page; None runs without one.
        run: What the baggage of its requests calls the run of the system under load.
    """

    users: int
    duration_s: float | None = None
    mix: str | None = None
    seed: int | None = None
    record: Path | None = None
    web_port: int | None = None
    run: str = ""


def run_load(options: LoadOptions, host: str, targets: Path, out: Console) -> int:
    """Runs Locust to its end and returns its exit code; Prometheus asks it for metrics meanwhile.

    Args:
        options: What to send.
        host: Where to.
        targets: The folder in which Prometheus looks for whom to ask.
        out: Where the page's address is told.

    Raises:
        LoadError: It cannot be started.
        OSError: Prometheus cannot be told.
    """
    with _terminable(), load_target(targets) as metrics_port:
        return _run(locust_command(options, host, metrics_port), options, out)


def _run(arguments: list[str], options: LoadOptions, out: Console) -> int:
    if options.web_port is not None:
        if not is_free(HOST, options.web_port):
            raise LoadError(f"port {options.web_port} is taken; choose another: --web-port {options.web_port + 1}")
        out.print(
            f"Locust's page: http://{HOST}:{options.web_port} (users are arrivals a second; end with Ctrl-C)", soft_wrap=True
        )
    leash = [sys.executable, "-m", "testbed.leash", str(os.getpid())]  # No load goes on when this command is killed.
    with subprocess.Popen([*leash, *arguments]) as locust:
        try:
            return locust.wait()
        except (KeyboardInterrupt, SystemExit) as end:
            if isinstance(end, SystemExit):
                locust.terminate()  # Of Ctrl-C the terminal has told Locust as well.
            with contextlib.suppress(subprocess.TimeoutExpired):
                locust.wait(_INTERRUPT_TIMEOUT_S)
            locust.kill()
            raise


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Lets what is to be done in the end be done when this process is told to end."""
    before = signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def locust_command(options: LoadOptions, host: str, metrics_port: int) -> list[str]:
    """The module that sends load to `host`, and its arguments. Raises LoadError when it is not installed."""
    load = importlib.util.find_spec("loadtests")
    if importlib.util.find_spec("locust") is None or load is None or not load.submodule_search_locations:
        raise LoadError("the load generator is not installed; install it with: pip install 'firebreak[lab]'")
    locustfile = Path(load.submodule_search_locations[0]) / "locustfile.py"
    arguments = ["locust", "-f", str(locustfile), "--host", host, "--users", str(options.users)]
    arguments += ["--mix", options.mix] if options.mix is not None else []
    arguments += ["--seed", str(options.seed)] if options.seed is not None else []
    arguments += ["--metrics-port", str(metrics_port), "--run-id", options.run]
    if options.web_port is None:
        duration_s = _DEFAULT_DURATION_S if options.duration_s is None else options.duration_s
        record = ["--record", str(options.record)] if options.record is not None else []
        return [*arguments, "--headless", "--run-seconds", f"{duration_s:g}", *record]
    run_time = ["--run-time", f"{options.duration_s:.0f}s"] if options.duration_s is not None else []
    web = ["--web-host", HOST, "--web-port", str(options.web_port), "--spawn-rate", str(options.users)]
    return [*arguments, *web, *run_time]
