"""The flagship experiment, with few customers, on the containers that run: `chaos run --target compose`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.compose.stack import ROOT, Stack

pytestmark = pytest.mark.compose

RATES: Final = {"rates_per_s": {"browse": 3, "order": 3, "track": 3, "sign_in": 1}}
"""Too few to decide anything, and enough for a kill to be seen by all who have to see it, whatever else this machine does."""
_RUN_S: Final = 400.0


@pytest.fixture(scope="module")
def folder(watched: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of one arm's run."""
    place = tmp_path_factory.mktemp("run")
    shipped = yaml.safe_load((ROOT / "chaos" / "experiments" / "delivery-outage.yaml").read_text())
    (place / "outage.yaml").write_text(yaml.safe_dump(shipped | {"load": RATES}))
    done = chaos(watched, place, "run", "outage.yaml", "--target", "compose", "--arm", "declared")
    assert done.returncode in (0, 1), done.stdout + done.stderr  # A verdict, whichever: the machine of a test may be busy.
    return place / ".testbed" / "runs" / "latest"


@pytest.fixture(scope="module")
def verdict(folder: Path) -> Any:
    """What was found out."""
    return json.loads((folder / "verdict.json").read_bytes())


def chaos(stack: Stack, place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = stack.environment | {"COMPOSE_PROJECT_NAME": stack.name}
    command = [sys.executable, "-m", "chaos.cli", *arguments]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=_RUN_S, check=False)


def proof(verdict: Any, kind: str) -> Any:
    return next(each for each in verdict["arms"][0]["proofs"] if each["kind"] == kind)


def test_the_killed_container_is_dead_in_the_journal_and_silent_in_the_spans(verdict: Any) -> None:
    assert proof(verdict, "fault_bit")["status"] == "proven", proof(verdict, "fault_bit")["sentence"]


def test_no_order_is_lost_or_doubled(verdict: Any) -> None:
    assert proof(verdict, "invariants")["status"] == "proven", proof(verdict, "invariants")["sentence"]


def test_the_page_of_the_killed_service_is_in_alertmanager(folder: Path) -> None:
    alerts = json.loads((folder / "arms" / "declared" / "alerts.json").read_bytes())
    assert ("deliveries", "page", "active") in {(each["subject"], each["severity"], each["state"]) for each in alerts["routed"]}


def test_the_report_leads_to_the_pages_of_the_stack(folder: Path, watched: Stack) -> None:
    report = (folder / "report.html").read_text()
    for name in ("FIREBREAK_PROMETHEUS_PORT", "FIREBREAK_ALERTMANAGER_PORT", "FIREBREAK_JAEGER_PORT"):  # To the trace kept.
        assert f"http://127.0.0.1:{watched.ports[name]}/" in report


def test_the_services_are_as_they_were_found_and_nothing_is_left_of_the_arm(folder: Path, watched: Stack) -> None:
    del folder  # The run is over.
    for service in watched.replicas:
        told = dict(each.split("=", 1) for each in watched.inspect(service)["Config"]["Env"])
        assert told["FIREBREAK_ARM"] == ""
        assert told["FIREBREAK_PROFILE"] == "declared"
        assert "/firebreak_" in told.get("FIREBREAK_DATABASE_URL", "/firebreak_")
    databases = watched.run_in("postgres", "psql", "-U", "postgres", "-Atc", "SELECT datname FROM pg_database").stdout.split()
    assert {each.rpartition("_")[0] for each in databases if each.startswith("firebreak")} == {"firebreak"}
    assert "Nothing is injected." in chaos(watched, Path(), "status", "--target", "compose").stdout
