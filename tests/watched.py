"""FeastFast as processes with load on it and a Prometheus that asks all of it, for tests of what can be asked of Prometheus."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from observability import names
from testbed.control import SystemStatus
from testbed.launch import LaunchOptions, launch, stop

HOW_TO_GET_IT = "no prometheus and alertmanager on this machine; Debian: apt-get install prometheus prometheus-alertmanager"
SCRAPED_S = 30.0
"""Prometheus looks for targets every 5 s, and takes up new ones 5 s later at worst."""
_STOP_S = 15.0


def is_here() -> bool:
    """Whether both programs are on the PATH."""
    return bool(shutil.which("prometheus") and (shutil.which("alertmanager") or shutil.which("prometheus-alertmanager")))


@dataclass(frozen=True)
class Series:
    """One series of an answer, with its last value."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Watched:
    """A running system and how to ask its Prometheus."""

    state: Path
    status: SystemStatus

    @property
    def prometheus(self) -> str:
        """Where it is."""
        return self.status.addresses["prometheus"]

    @property
    def alertmanager(self) -> str:
        """Where it is."""
        return self.status.addresses["alertmanager"]

    def query(self, expression: str) -> list[Series]:
        """An instant query, now. Raises HTTPError for an expression that is none."""
        found = ask(self.prometheus, "/api/v1/query", query=expression)["data"]["result"]
        return [Series(each["metric"], float(each["value"][1])) for each in found]

    def is_ready(self) -> bool:
        """Whether Prometheus answers yet: the system does not wait for it."""
        try:
            with urlopen(f"{self.prometheus}/-/ready", timeout=10):  # noqa: S310 - a server of this test's own
                return True
        except OSError:
            return False

    def up(self) -> dict[str, bool]:
        """Instances that Prometheus knows, and whether the last scrape of each went well."""
        return {series.labels["instance"]: series.value == 1 for series in self.query("up")}

    def eventually(self, holds: Callable[[], bool], within_s: float = SCRAPED_S) -> None:
        """Waits until it holds."""
        deadline = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < deadline, f"not within {within_s:g} s; up: {self.up() if self.is_ready() else 'unknown'}"
            time.sleep(0.1)

    def expected(self) -> set[str]:
        """Instances that are listed as targets now."""
        groups = [group for path in (self.state / "targets").glob("*.json") for group in json.loads(path.read_bytes())]
        return {group["labels"]["instance"] for group in groups}

    def is_scraped(self) -> bool:
        """Whether everything that is listed was scraped."""
        up, listed = self.up(), self.expected()
        return bool(listed) and all(up.get(name, False) for name in listed)

    def is_used(self) -> bool:
        """Whether the load has begun."""
        return bool(self.query(f'{names.HTTP_SERVER_DURATION}_count{{service="orders"}} > 0'))


def ask(address: str, path: str, **parameters: str) -> Any:
    """What a program of the stack answers, as JSON."""
    query = f"?{urlencode(parameters)}" if parameters else ""
    with urlopen(f"{address}{path}{query}", timeout=10) as response:  # noqa: S310 - a server of this test's own
        return json.load(response)


@contextmanager
def watched(state: Path, users: int = 20, **changes: object) -> Iterator[Watched]:
    """A fresh system, scraped at least once, under `users` journeys a second (none: 0). `changes` are LaunchOptions' fields.

    FIREBREAK_STACK has to be on; tests/conftest.py switches it off for all others.
    """
    options = LaunchOptions(**{"state": state, "free_ports": True, "die_with_parent": True, **changes})  # type: ignore[arg-type]  # the test's own words
    system = Watched(state, launch(options))
    try:
        with _load(state, users):
            system.eventually(lambda: system.is_ready() and system.is_scraped() and (not users or system.is_used()))
            yield system
    finally:
        stop(state)


@contextmanager
def _load(state: Path, users: int) -> Iterator[None]:
    if not users:
        yield
        return
    command = [sys.executable, "-m", "testbed.cli", "load", "--users", str(users), "--for", "30m", "--state", str(state)]
    with (state / "load.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as load:
        try:
            yield
        finally:
            load.terminate()
            load.wait(_STOP_S)
