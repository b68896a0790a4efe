"""Proof 4: the right page, in time, over in time, and nobody called for anything else."""

from collections.abc import Callable

import pytest

from chaos.experiment.alert_plan import AlertPlan, derived_plan
from chaos.experiment.alert_record import AlertRecord, AlertSource, AlertSpan, RoutedAlert
from chaos.experiment.fault_plan import HangPlan, ProcessFaultPlan, SurgePlan
from chaos.experiment.outcomes import AlertRole, ProofStatus
from chaos.experiment.proofs.alerts import Judged, judge_alerts
from chaos.experiment.result import Recovery
from chaos.experiment.windows import Windows
from observability.slo.loader import Slos, load_slos
from observability.slo.windows import Severity
from services.topology import load_topology

WINDOWS = Windows.of((0, 5, 25, 45, 60), 25.0, 45.0)
BACK = Recovery(recovered=True, after_s=4.0, last_journey="track")
NEVER_BACK = Recovery(recovered=False, after_s=None, last_journey="order")
PLAN = AlertPlan(page=("deliveries",))
Judge = Callable[..., Judged]


def span(
    subject: str, start_s: float, end_s: float | None, severity: Severity = Severity.PAGE, state: str = "firing"
) -> AlertSpan:
    scope = "journey" if subject in ("browse", "order", "track") else "service"
    return AlertSpan.model_validate(
        {"alert": f"{scope.title()}BurnsErrorBudget", "severity": severity, "state": state, "scope": scope, "subject": subject,
         "kind": "availability", "start_s": start_s, "end_s": end_s}
    )  # fmt: skip


@pytest.fixture(scope="module")
def slos() -> Slos:
    return load_slos(None, load_topology())


@pytest.fixture
def judge(slos: Slos) -> Judge:
    def judge(
        *spans: AlertSpan, plan: AlertPlan = PLAN, recovery: Recovery = BACK, source: AlertSource = AlertSource.PROMETHEUS
    ) -> Judged:
        return judge_alerts(AlertRecord(source=source, until_s=60, spans=spans), plan, slos, WINDOWS, recovery)

    return judge


def test_the_right_page_in_time_and_over_in_time_is_proven_with_its_seconds(judge: Judge) -> None:
    proof = judge(span("deliveries", 30.1, 51.3)).proof
    assert proof.status is ProofStatus.PROVEN
    assert proof.sentence == (
        "deliveries paged 5.1 s after the fault struck and was over 6.3 s after the fault was lifted; "
        "nobody was paged for anything else"
    )
    assert (proof.numbers["deliveries_fired_s"], proof.numbers["deliveries_cleared_s"]) == (5.1, 6.3)


def test_no_page_is_refuted(judge: Judge) -> None:
    proof = judge(span("deliveries", 30, 50, Severity.TICKET), span("deliveries", 30, 50, state="pending")).proof
    assert proof.status is ProofStatus.REFUTED
    assert proof.sentence.startswith("nobody was paged for deliveries within 35 s of the fault")


def test_a_late_page_is_refuted(judge: Judge) -> None:
    proof = judge(span("deliveries", 35.1, 50)).proof
    assert proof.status is ProofStatus.REFUTED
    assert "paged 10.1 s after the fault struck, 10 s are allowed" in proof.sentence


def test_a_page_counts_as_over_from_when_customers_were_back(judge: Judge) -> None:
    plan = AlertPlan.model_validate({"page": ["deliveries"], "clears_within": "5s"})
    assert judge(span("deliveries", 30, 53.9), plan=plan).proof.status is ProofStatus.PROVEN
    late = judge(span("deliveries", 30, 54.1), plan=plan).proof
    assert late.status is ProofStatus.REFUTED
    assert "over only 5.1 s after customers were served as before, 5 s are allowed" in late.sentence


def test_a_page_that_stands_at_the_end_is_right_only_while_customers_are_in_trouble(judge: Judge) -> None:
    assert judge(span("deliveries", 30, None), recovery=NEVER_BACK).proof.status is ProofStatus.PROVEN
    assert judge(span("deliveries", 30, None)).proof.status is ProofStatus.UNKNOWN
    impatient = AlertPlan.model_validate({"page": ["deliveries"], "clears_within": "10s"})
    assert judge(span("deliveries", 30, None), plan=impatient).proof.status is ProofStatus.REFUTED


def test_symptoms_are_told_apart_and_do_no_harm(judge: Judge) -> None:
    found = judge(span("deliveries", 30, 51), span("orders", 30, 50), span("order", 31, 50), span("gateway", 31, 50))
    assert found.proof.status is ProofStatus.PROVEN
    assert found.proof.sentence.endswith(
        "silent: orders (availability) at 30.0 s, order (availability) at 31.0 s, gateway (availability) at 31.0 s"
    )
    assert [alert.role for alert in found.alerts] == [AlertRole.EXPECTED] + [AlertRole.INHIBITED] * 3


def test_the_page_of_a_journey_that_does_not_need_the_cause_is_one_too_many(judge: Judge) -> None:
    found = judge(span("deliveries", 30, 51), span("browse", 31, 50))
    assert found.proof.status is ProofStatus.REFUTED
    assert "also paged: browse (availability) at 31.0 s" in found.proof.sentence
    allowed = judge(
        span("deliveries", 30, 51), span("browse", 31, 50), plan=AlertPlan(page=("deliveries",), may_page=("browse",))
    )
    assert allowed.proof.status is ProofStatus.PROVEN


def test_a_false_alarm_before_the_fault_is_named(judge: Judge) -> None:
    found = judge(span("deliveries", 30, 51), span("order", 12, 16))
    assert found.proof.status is ProofStatus.REFUTED
    assert "false alarm before the fault: order (availability) at 12.0 s" in found.proof.sentence


def test_a_page_of_the_warm_up_is_not_judged_unless_it_stays(judge: Judge) -> None:
    assert judge(span("deliveries", 30, 51), span("order", 3, 6.9)).proof.status is ProofStatus.PROVEN
    assert judge(span("deliveries", 30, 51), span("order", 3, 7.1)).proof.status is ProofStatus.REFUTED


def test_the_expected_page_is_a_false_alarm_when_it_comes_before_the_fault(judge: Judge) -> None:
    found = judge(span("deliveries", 12, 16), span("deliveries", 30, 51))
    assert found.proof.status is ProofStatus.REFUTED
    assert "false alarm before the fault: deliveries" in found.proof.sentence


def test_where_no_page_is_expected_none_is_proven_and_one_refuted(judge: Judge) -> None:
    silent = judge(span("orders", 30, 50, Severity.TICKET), plan=AlertPlan())
    assert (silent.proof.status, silent.proof.sentence) == (ProofStatus.PROVEN, "nobody was paged, as expected")
    assert judge(span("orders", 30, 50), plan=AlertPlan()).proof.status is ProofStatus.REFUTED


def test_without_prometheus_a_services_page_is_not_proven_and_its_journeys_are_computed(judge: Judge) -> None:
    found = judge(span("order", 30, 50), source=AlertSource.COMPUTED)
    assert found.proof.status is ProofStatus.UNKNOWN
    assert found.proof.sentence.startswith(
        "computed from the load's record, without Prometheus: whether deliveries would have paged"
    )
    assert found.proof.sentence.endswith("silent: order (availability) at 30.0 s")
    assert judge(span("browse", 30, 50), source=AlertSource.COMPUTED).proof.status is ProofStatus.REFUTED


def routed(span: AlertSpan, state: str) -> RoutedAlert:
    return RoutedAlert(alert=span.alert, subject=span.subject, kind=span.kind, severity=span.severity, state=state)


def test_an_alertmanager_that_calls_for_a_symptom_or_keeps_the_cause_silent_refutes_the_routes(slos: Slos) -> None:
    cause, symptom = span("deliveries", 30, 51), span("orders", 31, 50)

    def judged(of_cause: str, of_symptom: str, at_s: float = 44.5) -> Judged:
        held = (routed(cause, of_cause), routed(symptom, of_symptom))
        record = AlertRecord(source=AlertSource.PROMETHEUS, until_s=60, spans=(cause, symptom), routed=held, routed_at_s=at_s)
        return judge_alerts(record, PLAN, slos, WINDOWS, BACK)

    right = judged("active", "suppressed")
    assert right.proof.status is ProofStatus.PROVEN
    assert [alert.routed for alert in right.alerts] == ["active", "suppressed"]
    loud = judged("active", "active").proof
    assert loud.status is ProofStatus.REFUTED
    assert "Alertmanager called for orders (availability) at 31.0 s, which another page explains" in loud.sentence
    assert "nobody was paged for anything else" not in loud.sentence
    assert "Alertmanager kept deliveries (availability) at 30.0 s silent" in judged("suppressed", "suppressed").proof.sentence
    too_early = judged("suppressed", "active", at_s=32.9)
    assert (too_early.proof.status, too_early.alerts[0].routed) == (ProofStatus.PROVEN, "")


def test_whoever_is_hurt_is_to_page_where_the_experiment_says_nothing() -> None:
    assert derived_plan(ProcessFaultPlan(kind="kill", target="deliveries")) == AlertPlan(page=("deliveries",))
    assert derived_plan(HangPlan(kind="hang", target="orders/2")) == AlertPlan(page=("orders",))
    assert derived_plan(HangPlan(kind="hang", target="orders->payments")) == AlertPlan(page=("payments",))
    assert derived_plan(SurgePlan(kind="surge", journey="order", factor=2)) is None
