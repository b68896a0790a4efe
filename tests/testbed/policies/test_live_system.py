"""A running system whose policy is changed: it acts, and ends by itself, whoever is gone or stopped meanwhile."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.faults import Error
from chaos.targets.local import LocalTarget
from chaos.targets.place import Place
from observability import names
from testbed.control import status
from testbed.launch import LaunchOptions, launch, running_supervisor, stop

pytestmark = pytest.mark.system

EDGE = "gateway->restaurants"
FIVE_ATTEMPTS = ("retry.max_attempts=5", "retry.max_backoff=20ms", "budget.max_tokens=1000", "breaker.fail_max=1000")


class LiveSystem:
    """FeastFast, with restaurants that fail every request."""

    def __init__(self, state: Path) -> None:
        self.state = state
        launch(LaunchOptions(state=state, free_ports=True, die_with_parent=True))
        LocalTarget(state).inject(Place("restaurants"), Error(status=503), lease_ms=120_000)
        self._gateway = next(each for each in status(state).instances if each.service == "gateway")

    def policy(self, *arguments: str) -> str:
        """Runs `testbed policy` in a process of its own, which has ended when this returns."""
        command = [sys.executable, "-m", "testbed.cli", "policy", *arguments, "--state", str(self.state)]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout

    def changes(self) -> list[object]:
        changes: list[object] = json.loads(self.policy("--json"))["changes"]
        return changes

    def attempts_of_a_call(self) -> int:
        """How often the gateway asks restaurants for one request of a customer."""
        before = self._attempts()
        try:
            self._get("/v1/restaurants")
        except urllib.error.HTTPError as error:
            error.close()
        return self._attempts() - before

    def leases(self) -> float:
        return sum(self._samples(names.RESILIENCE_POLICY_LEASES))

    def stop_gateway_for(self, seconds: float) -> None:
        os.kill(self._gateway.pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.kill(self._gateway.pid, signal.SIGCONT)

    def _attempts(self) -> int:
        return int(sum(self._samples(f"{names.HTTP_CLIENT_DURATION}_count", f'edge="{EDGE}"')))

    def _samples(self, name: str, label: str = "") -> list[float]:
        lines = self._get("/metrics").splitlines()
        return [float(line.split()[1]) for line in lines if re.match(rf"{name}(\{{|\s)", line) and label in line]

    def _get(self, path: str) -> str:
        with urllib.request.urlopen(self._gateway.base_url + path, timeout=10) as answer:  # noqa: S310 - our own address
            text: str = answer.read().decode()
            return text


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSystem]:
    state = tmp_path_factory.mktemp("live") / "state"
    try:
        yield LiveSystem(state)
    finally:
        if running_supervisor(state) is not None:
            stop(state)


@pytest.fixture(autouse=True)
def as_declared(system: LiveSystem) -> None:
    system.policy("reset")


def test_a_change_acts_and_ends_by_itself_long_after_the_command_has(system: LiveSystem) -> None:
    assert system.attempts_of_a_call() == 2
    system.policy("set", EDGE, *FIVE_ATTEMPTS, "--for", "6s")
    began_s = time.monotonic()
    assert "retry.max_attempts 5, not 2" in " ".join(system.policy().split())
    assert (system.attempts_of_a_call(), system.leases()) == (5, 1)
    while system.leases():
        assert time.monotonic() < began_s + 8
        time.sleep(0.02)
    assert time.monotonic() > began_s + 4
    assert (system.attempts_of_a_call(), system.changes()) == (2, [])


def test_a_change_is_over_for_the_first_request_after_a_process_was_stopped_past_its_end(system: LiveSystem) -> None:
    system.policy("set", EDGE, *FIVE_ATTEMPTS, "--for", "2s")
    system.stop_gateway_for(2.2)
    assert system.attempts_of_a_call() == 2


def test_a_reset_ends_a_change_at_once(system: LiveSystem) -> None:
    system.policy("set", EDGE, *FIVE_ATTEMPTS)
    assert system.policy("reset", EDGE) == f"Ended 1 change at {EDGE}.\n"
    assert (system.attempts_of_a_call(), system.leases()) == (2, 0)


def test_a_profile_reaches_every_process_and_is_taken_back_from_all(system: LiveSystem) -> None:
    system.policy("profile", "none")
    assert system.attempts_of_a_call() == 1
    survey = json.loads(system.policy("--json"))
    changed = {place: told for place, told in survey["places"].items() if told["declared"]}
    assert all(
        not set(parameters) - {"repeatable", "balancer"} for told in changed.values() for parameters in told["in_force"].values()
    )
    assert len(survey["changes"][0]["left_ms"]) == 9
    assert system.policy("reset") == "Ended 1 change.\n"
    survey = json.loads(system.policy("--json"))
    assert all(parameters == told["declared"] for told in survey["places"].values() for parameters in told["in_force"].values())
