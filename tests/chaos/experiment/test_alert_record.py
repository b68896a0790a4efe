"""What an arm keeps of Prometheus and Alertmanager, and what is told of it meanwhile."""

import json
from collections.abc import Mapping

import pytest

from chaos.experiment.alert_record import AlertRecord
from chaos.experiment.folders import write_model
from chaos.experiment.outcomes import ProofKind, ProofStatus
from chaos.experiment.prometheus_api import alert_spans, firing_pages, routed_alerts
from chaos.http_get import FetchError, Get
from services.document import DocumentError
from tests.chaos.experiment.conftest import Bench
from tests.chaos.experiment.scenarios import Scenario

STARTED_AT = 1_000.0
LABELS = {"alertname": "ServiceBurnsErrorBudget", "severity": "page", "service": "deliveries", "kind": "availability", "slo": "x"}


def answering(body: object) -> Get:
    def get(_url: str, _headers: Mapping[str, str]) -> bytes:
        return json.dumps(body).encode()

    return get


def matrix(*series: tuple[dict[str, str], list[float]]) -> object:
    return {"data": {"result": [{"metric": labels, "values": [[at, "1"] for at in instants]} for labels, instants in series]}}


def test_samples_of_an_alert_become_the_time_for_which_it_stood() -> None:
    get = answering(matrix((LABELS | {"alertstate": "firing"}, [1_030.0 + second for second in range(20)])))
    (span,) = alert_spans("http://p", get, STARTED_AT, 1_060.0, 120)
    assert (span.subject, span.scope, span.start_s, span.end_s) == ("deliveries", "service", 30.0, 50.0)


def test_an_alert_that_stands_at_the_end_has_no_end_and_one_that_was_away_is_two() -> None:
    instants = [1_010.0, 1_011.0, 1_012.0, 1_058.0, 1_059.0, 1_060.0]
    get = answering(matrix((LABELS | {"alertstate": "firing"}, instants)))
    spans = alert_spans("http://p", get, STARTED_AT, 1_060.5, 120)
    assert [(span.start_s, span.end_s) for span in spans] == [(10.0, 13.0), (58.0, None)]


def test_an_evaluation_that_a_busy_machine_left_out_ends_nothing() -> None:
    get = answering(matrix((LABELS | {"alertstate": "firing"}, [1_010.0, 1_013.0, 1_014.0])))
    assert len(alert_spans("http://p", get, STARTED_AT, 1_060.0, 120)) == 1


def test_only_pages_that_fire_are_told_of_while_an_arm_runs() -> None:
    alerts = [{"labels": LABELS, "state": "firing"}, {"labels": LABELS | {"severity": "ticket"}, "state": "firing"}]
    alerts.append({"labels": LABELS | {"service": "users"}, "state": "pending"})
    told = firing_pages("http://p", answering({"data": {"alerts": alerts}}))
    assert told == {"ServiceBurnsErrorBudget of deliveries (availability)"}


def test_alertmanagers_word_on_who_is_suppressed_is_kept() -> None:
    body = [{"labels": LABELS, "status": {"state": "suppressed", "inhibitedBy": ["a"], "silencedBy": []}}]
    (routed,) = routed_alerts("http://a", answering(body))
    assert (routed.subject, routed.state) == ("deliveries", "suppressed")


@pytest.mark.parametrize("body", ["nonsense", {"status": "error"}, []])
def test_an_answer_that_is_none_of_prometheus_is_an_error_that_names_it(body: object) -> None:
    with pytest.raises(FetchError, match=r"GET http://p/api/v1/query.*is no answer of Prometheus"):
        alert_spans("http://p", answering(body), STARTED_AT, 1_060.0, 120)


def test_an_arm_with_a_record_of_prometheus_is_judged_by_it_and_by_its_folder_alone(bench: Bench, protected: Scenario) -> None:
    span = {
        "alert": "x",
        "severity": "page",
        "state": "firing",
        "scope": "service",
        "subject": "deliveries",
        "kind": "availability",
    }
    record = AlertRecord.model_validate(
        {"source": "prometheus", "until_s": 60.0, "spans": [span | {"start_s": 30.0, "end_s": 50.0}]}
    )
    folder = bench.write(protected)
    write_model(folder.alerts, record)
    arm = bench.judge(protected)
    assert arm.proof(ProofKind.ALERTS).status is ProofStatus.PROVEN
    assert [(alert.subject, alert.start_s) for alert in arm.alerts] == [("deliveries", 30.0)]


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ("alerts:\n  declared: {page: [delivries]}", "alerts.declared.page.0: unknown service or journey 'delivries'"),
        ("alerts:\n  declard: none", "alerts.declard: unknown arm 'declard'; allowed: declared, none"),
        ("alerts:\n  declared: never", "alerts.declared: must be a mapping of keys to values"),
        ("alerts:\n  declared: {page: [orders], may_page: [orders]}", "orders is already under page"),
        ("alerts:\n  declared: {within: 10}", "alerts.declared.within: 10 is not a duration"),
    ],
)
def test_a_mistake_in_what_is_expected_of_alerts_is_named_with_its_line(bench: Bench, stated: str, told: str) -> None:
    text = bench.loaded.path.read_text(encoding="utf-8")
    head, _, _ = text.partition("\nalerts:")
    path = bench.folder / "mine.yaml"
    path.write_text(f"{head}\n{stated}\n", encoding="utf-8")
    with pytest.raises(DocumentError) as raised:
        bench.load(path)
    assert told in str(raised.value)
