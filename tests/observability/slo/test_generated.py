"""What is compiled: committed as it is, and read by the programs that it is for."""

import re
from pathlib import Path

import pytest
import yaml

from observability import names
from observability.slo.__main__ import STACK, generated
from observability.slo.alertmanager import compile_alertmanager
from observability.slo.loader import Slos
from observability.slo.rules import compile_rules
from observability.slo.windows import DEMO, PRODUCTION, PROFILES, Severity, WindowProfile
from tests.observability.slo.tools import ask

ROUTES = STACK / "alertmanager" / "alertmanager.yaml"
DOCS = Path(__file__).parents[3] / "docs" / "slo.md"


def rules_of(slos: Slos, profile: WindowProfile) -> list[dict[str, str]]:
    groups = yaml.safe_load(compile_rules(slos, profile))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_the_committed_files_are_what_the_compiler_writes(slos: Slos) -> None:
    stale = [str(path) for path, text in generated(slos).items() if (STACK / path).read_text(encoding="utf-8") != text]
    assert stale == [], "run `make rules`"


def test_production_burns_over_the_windows_of_the_workbook() -> None:
    hour_s = 3_600
    assert [(row.severity, row.factor, row.long_s, row.short_s) for row in PRODUCTION.rows] == [
        (Severity.PAGE, 14.4, hour_s, 300),
        (Severity.PAGE, 6, 6 * hour_s, 1_800),
        (Severity.TICKET, 3, 24 * hour_s, 2 * hour_s),
        (Severity.TICKET, 1, 72 * hour_s, 6 * hour_s),
    ]


@pytest.mark.parametrize("profile", [DEMO, PRODUCTION], ids=lambda profile: profile.name)
def test_every_objective_has_its_series_by_names_that_hold_no_window(slos: Slos, profile: WindowProfile) -> None:
    recorded = [rule for rule in rules_of(slos, profile) if "record" in rule]
    for name in (names.SLO_OBJECTIVE, names.SLO_BUDGET, names.SLO_PERIOD_DAYS):
        assert sum(rule["record"] == name for rule in recorded) == len(slos.every)
    for name in (names.SLO_CURRENT_BURN, names.SLO_PERIOD_BURN, names.SLO_BUDGET_REMAINING):
        assert sum(rule["record"] == name for rule in recorded) == 1


@pytest.mark.parametrize("profile", [DEMO, PRODUCTION], ids=lambda profile: profile.name)
def test_no_rule_reads_a_recorded_series_that_no_rule_records(slos: Slos, profile: WindowProfile) -> None:
    rules = rules_of(slos, profile)
    recorded = {rule["record"] for rule in rules if "record" in rule}
    read = {name for rule in rules for name in re.findall(r"slo:[a-z_]+:[a-z0-9_]+", rule["expr"])}
    assert read - recorded == set()


@pytest.mark.parametrize("profile", [DEMO, PRODUCTION], ids=lambda profile: profile.name)
def test_every_alert_says_what_it_means_and_where_to_read_on(slos: Slos, profile: WindowProfile) -> None:
    anchors = set(re.findall(r'<a id="([a-z]+)">', DOCS.read_text(encoding="utf-8")))
    for rule in rules_of(slos, profile):
        if "alert" in rule:
            said = rule["annotations"]
            assert set(said) == {"summary", "description", "dashboard", "runbook"}
            assert said["runbook"].partition("#")[2] in anchors  # type: ignore[index]


def test_nobody_is_told_unless_a_webhook_is_named(slos: Slos) -> None:
    assert "webhook" not in compile_alertmanager(slos)
    told = yaml.safe_load(compile_alertmanager(slos, "http://127.0.0.1:9000/alerts"))
    assert {route["receiver"] for route in told["route"]["routes"]} == {"webhook"}
    assert told["receivers"][1]["webhook_configs"] == [{"url": "http://127.0.0.1:9000/alerts", "send_resolved": True}]


@pytest.mark.server
@pytest.mark.parametrize("profile", PROFILES)
def test_prometheus_takes_the_rules(profile: str) -> None:
    checked = ask("promtool", "check", "rules", "--lint=all", "--lint-fatal", STACK / "prometheus" / "rules" / f"{profile}.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.server
def test_alertmanager_takes_the_routes() -> None:
    checked = ask("amtool", "check-config", ROUTES)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.server
@pytest.mark.parametrize("severity", list(Severity))
def test_without_a_webhook_every_alert_ends_at_nobody(severity: Severity) -> None:
    routed = ask("amtool", "config", "routes", "test", f"--config.file={ROUTES}", f"severity={severity}", "service=orders")
    assert routed.stdout.strip() == "nobody"


@pytest.mark.server
def test_with_a_webhook_pages_and_tickets_end_there_and_what_is_neither_does_not(slos: Slos, tmp_path: Path) -> None:
    path = tmp_path / "alertmanager.yaml"
    path.write_text(compile_alertmanager(slos, "http://127.0.0.1:9000/"), encoding="utf-8")
    for severity, receiver in (("page", "webhook"), ("ticket", "webhook"), ("rumour", "nobody")):
        assert (
            ask("amtool", "config", "routes", "test", f"--config.file={path}", f"severity={severity}").stdout.strip() == receiver
        )
