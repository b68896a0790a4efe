"""What tests of every package share: servers of their own, PostgreSQL's for a whole run and NATS' for one test, and a browser."""

import os
import shutil
import signal
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests import chromium as of_chromium
from tests import nats as of_nats
from tests import watched as of_watched
from tests.chromium import Chromium, find_chromium
from tests.nats import NatsServer
from tests.postgres import HOW_TO_GET_IT, PostgresServer, find_binaries
from tests.watched import Watched, watched


def pytest_configure() -> None:
    """Most systems are watched by nobody: a Prometheus beside each would only take time. Tests that want one switch it on.

    A Compose project that somebody runs here is nobody's in tests: commands would find it by themselves. And who starts the
    tests in the background of a shell has them ignore Ctrl-C, which every process that they press it for would inherit.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["FIREBREAK_STACK"] = "off"
    os.environ["COMPOSE_PROJECT_NAME"] = "of-nobody"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test logged may be no text at all, on purpose; a worker of pytest-xdist could not send that with its report."""
    report = yield
    report.sections = [(title, said.encode(errors="backslashreplace").decode()) for title, said in report.sections]
    return report


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running server. Without one the test is skipped; in CI, where nothing may be missing, it fails."""
    binaries = find_binaries()
    if binaries is None:
        _miss(HOW_TO_GET_IT)
    server = PostgresServer(binaries)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    """A running server with an empty store. Missing, it is treated as `postgres` is."""
    if shutil.which("nats-server") is None:
        _miss(of_nats.HOW_TO_GET_IT)
    server = NatsServer(tmp_path)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="session")
def watched_feastfast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """FeastFast under load with a Prometheus that has scraped all of it, for tests that only ask. Missing, as `postgres` is."""
    if not of_watched.is_here():
        _miss(of_watched.HOW_TO_GET_IT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIREBREAK_STACK", "on")
        with watched(tmp_path_factory.mktemp("watched") / "state") as system:
            yield system


@pytest.fixture
def stack_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Systems of this test have a Prometheus and an Alertmanager beside them. Missing, as `postgres` is."""
    if not of_watched.is_here():
        _miss(of_watched.HOW_TO_GET_IT)
    monkeypatch.setenv("FIREBREAK_STACK", "on")


@pytest.fixture
def chromium(tmp_path: Path) -> Chromium:
    """A browser. Missing, it is treated as `postgres` is."""
    program = find_chromium()
    if program is None:
        _miss(of_chromium.HOW_TO_GET_IT)
    return Chromium(program, tmp_path)


def _miss(how_to_get_it: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(how_to_get_it)
    pytest.skip(how_to_get_it)
