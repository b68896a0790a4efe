"""Who was paged, as the report draws it."""

from pathlib import Path

import pytest

from chaos.experiment.outcomes import AlertRole
from chaos.experiment.report.alerts import MAX_BARS, alerts
from chaos.experiment.report.formats import NOTHING
from chaos.experiment.report.report import report_html
from chaos.experiment.result import AlertResult, Result

FIXTURE = Path(__file__).parents[1] / "fixtures" / "outage"


def alert(subject: str, start_s: float, end_s: float | None, role: AlertRole, severity: str = "page") -> AlertResult:
    return AlertResult.model_validate(
        {"alert": "ServiceBurnsErrorBudget", "severity": severity, "scope": "service", "subject": subject, "kind": "availability",
         "start_s": start_s, "end_s": end_s, "role": role, "routed": "active" if role is AlertRole.EXPECTED else ""}
    )  # fmt: skip


@pytest.fixture
def result() -> Result:
    return Result.read(FIXTURE / "verdict.json")


def told(result: Result, *found: AlertResult) -> Result:
    arms = (result.arms[0].model_copy(update={"alerts": found}), *result.arms[1:])
    return result.model_copy(update={"arms": arms})


def test_pages_are_bars_on_the_axis_of_the_load_and_tickets_rows_of_the_table(result: Result) -> None:
    drawn = alerts(
        told(
            result,
            alert("orders", 31, None, AlertRole.INHIBITED),
            alert("deliveries", 30, 45, AlertRole.EXPECTED),
            alert("deliveries", 33, 55, AlertRole.TICKET, "ticket"),
        )
    )
    panel = drawn.panels[0]
    assert [(bar.label, bar.x, bar.width) for bar in panel.bars] == [
        ("deliveries availability: expected", 50.0, 25.0),
        ("orders availability: silent", 51.667, 48.333),
    ]
    assert len(drawn.rows) == 3
    assert drawn.rows[1][5] == NOTHING
    assert [row[-1] for row in drawn.rows] == ["called", NOTHING, NOTHING]
    assert [len(panel.bars) for panel in drawn.panels[1:]] == [0]


def test_a_run_without_alerts_has_no_such_section_and_one_with_them_does(result: Result) -> None:
    assert 'id="alerts"' not in report_html(result, FIXTURE)
    html = report_html(told(result, alert("deliveries", 30, 45, AlertRole.EXPECTED)), FIXTURE)
    assert 'id="alerts"' in html
    assert "deliveries availability: expected" in html


def test_a_storm_of_pages_stays_a_picture_and_says_what_it_leaves_out(result: Result) -> None:
    storm = [alert(f"service-{number}", number, None, AlertRole.UNEXPECTED) for number in range(100)]
    panel = alerts(told(result, *storm)).panels[0]
    assert (len(panel.bars), panel.left_out) == (MAX_BARS, 100 - MAX_BARS)
