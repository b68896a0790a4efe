"""The command line that puts load on a running system: Locust with FeastFast's journeys, as a process of its own."""

import contextlib
import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

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
    """

    users: int
    duration_s: float | None = None
    mix: str | None = None
    seed: int | None = None
    record: Path | None = None
    web_port: int | None = None


def run_load(options: LoadOptions, host: str, out: Console) -> int:
    """Runs Locust to its end and returns its exit code. Raises LoadError when it cannot be started."""
    arguments = locust_command(options, host)
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
        except KeyboardInterrupt:  # The terminal has told Locust as well.
            with contextlib.suppress(subprocess.TimeoutExpired):
                locust.wait(_INTERRUPT_TIMEOUT_S)
            locust.kill()
            raise


def locust_command(options: LoadOptions, host: str) -> list[str]:
    """The module that sends load to `host`, and its arguments. Raises LoadError when it is not installed."""
    load = importlib.util.find_spec("loadtests")
    if importlib.util.find_spec("locust") is None or load is None or not load.submodule_search_locations:
        raise LoadError("the load generator is not installed; install it with: pip install 'firebreak[lab]'")
    locustfile = Path(load.submodule_search_locations[0]) / "locustfile.py"
    arguments = ["locust", "-f", str(locustfile), "--host", host, "--users", str(options.users)]
    arguments += ["--mix", options.mix] if options.mix is not None else []
    arguments += ["--seed", str(options.seed)] if options.seed is not None else []
    if options.web_port is None:
        duration_s = _DEFAULT_DURATION_S if options.duration_s is None else options.duration_s
        record = ["--record", str(options.record)] if options.record is not None else []
        return [*arguments, "--headless", "--run-seconds", f"{duration_s:g}", *record]
    run_time = ["--run-time", f"{options.duration_s:.0f}s"] if options.duration_s is not None else []
    web = ["--web-host", HOST, "--web-port", str(options.web_port), "--spawn-rate", str(options.users)]
    return [*arguments, *web, *run_time]
