"""The links of a report to programs that outlive the run."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from chaos.experiment.facts import ArmFacts
from chaos.experiment.report.live import DASHBOARD, live_arms
from chaos.experiment.report.report import report_html
from chaos.experiment.result import Result
from dashboards import uids

FIXTURE = Path(__file__).parents[1] / "fixtures" / "outage"
ADDRESSES = {
    "gateway": "http://127.0.0.1:8080",
    "traces": "http://127.0.0.1:16686",
    "prometheus": "http://127.0.0.1:9090",
    "alertmanager": "http://127.0.0.1:9093",
    "grafana": "http://127.0.0.1:3000",
}


@pytest.fixture
def result() -> Result:
    return Result.read(FIXTURE / "verdict.json")


def with_addresses(result: Result, addresses: dict[str, str]) -> Result:
    arms = tuple(arm.model_copy(update={"addresses": addresses}) for arm in result.arms)
    return result.model_copy(update={"arms": arms})


def test_a_run_whose_programs_ended_with_it_links_to_none(result: Result) -> None:
    assert live_arms(result.arms) == ()
    assert "In the programs that watched" not in report_html(result, FIXTURE)


def test_each_arm_links_to_its_own_time_and_its_own_trace(result: Result) -> None:
    shown = with_addresses(result, ADDRESSES)
    declared = live_arms(shown.arms)[0]
    assert [link.label for link in declared.links] == ["Grafana", "Jaeger", "Prometheus", "Alertmanager"]
    grafana, jaeger, prometheus, _ = declared.links
    phases, trace = shown.arms[0].phases, shown.arms[0].trace
    asked = parse_qs(urlsplit(grafana.url).query)
    assert int(asked["from"][0]) == round((phases[0].started_at - 5) * 1_000)
    assert int(asked["to"][0]) == round((phases[-1].ended_at + 5) * 1_000)
    assert trace is not None
    assert jaeger.url == f"http://127.0.0.1:16686/trace/{trace.trace_id}"
    assert parse_qs(urlsplit(prometheus.url).query)["g0.expr"] == ['ALERTS{alertstate="firing"}']
    page = report_html(shown, FIXTURE)
    assert f'href="http://127.0.0.1:16686/trace/{trace.trace_id}"' in page


def test_the_dashboard_that_is_linked_to_exists() -> None:
    assert uids.CHAOS == DASHBOARD


def test_an_arm_without_a_trace_has_no_link_to_one(result: Result) -> None:
    arms = tuple(arm.model_copy(update={"trace": None, "addresses": ADDRESSES}) for arm in result.arms)
    assert "Jaeger" not in [link.label for link in live_arms(arms)[0].links]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "http://a b", "ftp://x", "http://x/y?z", "", "http://127.0.0.1\n"])
def test_what_is_no_address_of_the_web_is_not_taken_from_a_runs_folder(address: str) -> None:
    with pytest.raises(ValidationError):
        ArmFacts(name="a", started_at=0, marks_s=(0, 1, 2, 3, 4), addresses={"grafana": address})
