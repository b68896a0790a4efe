"""A real Alertmanager with the compiled routes keeps to itself what the arithmetic says that it does."""

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from observability.slo.__main__ import STACK
from observability.slo.dependencies import silenced_by
from observability.slo.inhibition import Standing, calls
from observability.slo.loader import Slos
from observability.slo.rules import DOWN_ALERT, DROPPED_ALERT, JOURNEY_ALERT, SERVICE_ALERT
from testbed.ports import free_port
from tests.observability.slo.tools import needed

pytestmark = pytest.mark.server

READY_S = 20.0
SETTLE_S = 30.0


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address."""
    program = shutil.which("alertmanager") or needed("prometheus-alertmanager")
    address = f"127.0.0.1:{free_port()}"
    folder = tmp_path_factory.mktemp("alertmanager")
    command = [program, f"--config.file={STACK / 'alertmanager' / 'alertmanager.yaml'}", f"--storage.path={folder}"]
    leash = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*leash, *command, f"--web.listen-address={address}", "--cluster.listen-address="], stdout=log, stderr=log
        )
    try:
        _eventually(lambda: _ask(f"http://{address}/-/ready") is not None, READY_S)
        yield f"http://{address}"
    finally:
        process.kill()
        process.wait()


def _ask(url: str, body: object = None) -> bytes | None:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - a server of this test's own
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - the same
            return bytes(answer.read())
    except OSError:
        return None


def _eventually(holds: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_suppresses_the_symptoms_of_a_cause_and_nothing_else(alertmanager: str, slos: Slos) -> None:
    pages = [("service", name) for name in ("deliveries", "orders", "gateway", "users")]
    pages += [("journey", name) for name in ("order", "track", "browse")]
    names = {"service": SERVICE_ALERT, "journey": JOURNEY_ALERT}
    now = datetime.now(UTC)
    alerts = [
        {
            "labels": {"alertname": names[scope], "severity": "page", "slo": f"{subject}-availability", scope: subject},
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(minutes=5)).isoformat(),
        }
        for scope, subject in pages
    ]  # fmt: skip
    assert _ask(f"{alertmanager}/api/v2/alerts", alerts) is not None
    standing = {
        subject: Standing(names[scope], "service" if scope == "service" else "journey", subject, 0, 300)
        for scope, subject in pages
    }
    silenced = silenced_by(slos.topology, slos.journeys)
    expected = {
        subject: calls(alert, [each for each in standing.values() if each is not alert], silenced)
        for subject, alert in standing.items()
    }
    assert expected == {
        "deliveries": True, "users": True, "browse": True, "orders": False, "gateway": False, "order": False, "track": False,
    }  # fmt: skip
    _eventually(lambda: _active(alertmanager) == expected, SETTLE_S)


def _active(alertmanager: str) -> dict[str, bool]:
    """By subject, whether an alert is active; another state is none yet, or suppressed."""
    found = json.loads(_ask(f"{alertmanager}/api/v2/alerts") or b"[]")
    return {
        alert["labels"].get("service") or alert["labels"]["journey"]: alert["status"]["state"] == "active"
        for alert in found
        if alert["status"]["state"] != "unprocessed" and alert["labels"].get("slo", "").endswith("-availability")
    }


def test_a_dead_gateway_and_lost_telemetry_are_nobodys_symptom_and_the_latter_is_no_cause(alertmanager: str) -> None:
    now = datetime.now(UTC)
    stated = [
        (SERVICE_ALERT, "page", "restaurants"),
        (DOWN_ALERT, "page", "gateway"),
        (DOWN_ALERT, "ticket", "orders"),
        (DROPPED_ALERT, "ticket", "orders"),
        (DROPPED_ALERT, "ticket", "payments"),
        (DROPPED_ALERT, "ticket", "users"),
        ("OfSomebodyElse", "ticket", "gateway"),
    ]
    alerts = [
        {
            "labels": {"alertname": name, "severity": severity, "service": service, "of": "this test"},
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(minutes=5)).isoformat(),
        }
        for name, severity, service in stated
    ]
    assert _ask(f"{alertmanager}/api/v2/alerts", alerts) is not None

    def active() -> int:
        found = json.loads(_ask(f"{alertmanager}/api/v2/alerts") or b"[]")
        return sum(each["status"]["state"] == "active" for each in found if "of" in each["labels"])

    _eventually(lambda: active() == len(stated), SETTLE_S)


def test_a_page_suppresses_the_ticket_of_the_same_objective(alertmanager: str) -> None:
    now = datetime.now(UTC)
    common = {"alertname": "y", "kind": "latency", "slo": "users-latency", "service": "users"}
    alerts = [
        {
            "labels": common | {"severity": severity},
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(minutes=5)).isoformat(),
        }
        for severity in ("page", "ticket")
    ]
    assert _ask(f"{alertmanager}/api/v2/alerts", alerts) is not None

    def states() -> dict[str, str]:
        found = json.loads(_ask(f"{alertmanager}/api/v2/alerts") or b"[]")
        return {each["labels"]["severity"]: each["status"]["state"] for each in found if each["labels"]["alertname"] == "y"}

    _eventually(lambda: states() == {"page": "active", "ticket": "suppressed"}, SETTLE_S)
