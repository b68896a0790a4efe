"""Proof 3: every reason is found in the metrics of whoever makes the decision, or said to be missing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chaos.experiment.in_force import InForce
from chaos.experiment.metrics import Mark, MetricsRecord, Samples
from chaos.experiment.outcomes import ProofStatus
from chaos.experiment.proofs.right_reason import right_reason
from chaos.experiment.reasons import Reason, ReasonKind, lacking
from services.policy import Profile
from services.topology import load_topology

if TYPE_CHECKING:
    from chaos.experiment.evidence import ArmEvidence
    from tests.chaos.experiment.conftest import Bench
    from tests.chaos.experiment.scenarios import Scenario

EDGE = "orders->payments"
COUNTED = {
    ReasonKind.BULKHEAD_REJECTED: ("orders", 'resilience_rejections_total{{edge="orders->payments",pattern="bulkhead"}} {}'),
    ReasonKind.THROTTLED: ("orders", 'resilience_rejections_total{{edge="orders->payments",pattern="throttle"}} {}'),
    ReasonKind.RETRIED: ("orders", 'resilience_retries_total{{edge="orders->payments",decision="granted"}} {}'),
    ReasonKind.BUDGET_DENIED: ("orders", 'resilience_retries_total{{edge="orders->payments",decision="budget"}} {}'),
    ReasonKind.EJECTED: ("orders", 'resilience_ejections_total{{edge="orders->payments",replica="payments/2"}} {}'),
    ReasonKind.HEDGED: ("orders", 'resilience_hedges_total{{edge="orders->payments",outcome="won"}} {}'),
    ReasonKind.SHED: ("payments", 'resilience_shed_total{{urgency="4"}} {}'),
}


def looked(
    bench: Bench, scenario: Scenario, kind: ReasonKind, before: float, after: float, service: str = ""
) -> tuple[str, ProofStatus]:
    owner, line = COUNTED[kind]
    other = {"orders": "payments", "payments": "orders"}[owner]
    marks = {
        mark: {f"{service or owner}/1": Samples.parse(line.format(value) + "\n"), f"{other}/1": Samples.parse("")}
        for mark, value in ((Mark.FAULT_START, before), (Mark.FAULT_END, after))
    }
    evidence: ArmEvidence = replace(bench.evidence(scenario), metrics=MetricsRecord(marks))
    proof = right_reason(evidence, [Reason(reason=kind, edge=EDGE)], load_topology())
    return proof.sentence, proof.status


@pytest.mark.parametrize("kind", COUNTED)
def test_a_reason_is_what_grew_during_the_fault(bench: Bench, protected: Scenario, kind: ReasonKind) -> None:
    sentence, status = looked(bench, protected, kind, 4, 11)
    assert status is ProofStatus.PROVEN
    assert " 7 " in sentence
    sentence, status = looked(bench, protected, kind, 4, 4)
    assert status is ProofStatus.REFUTED
    assert " no " in sentence


@pytest.mark.parametrize("kind", COUNTED)
def test_a_reason_whose_metrics_were_not_read_is_neither_found_nor_refuted(
    bench: Bench, protected: Scenario, kind: ReasonKind
) -> None:
    sentence, status = looked(bench, protected, kind, 4, 11, service="gateway")
    assert (status, "could not be read" in sentence) == (ProofStatus.UNKNOWN, True)


@pytest.mark.parametrize("kind", ReasonKind)
def test_no_reason_can_be_seen_where_nothing_is_protected(kind: ReasonKind) -> None:
    topology = load_topology()
    for edge in ("orders->payments", "orders->deliveries"):
        assert lacking(Reason(reason=kind, edge=edge), InForce.of(topology, Profile.NONE, ())) is not None


@pytest.mark.parametrize(
    ("kind", "edge", "switch", "missing"),
    [
        (ReasonKind.SHED, "orders->payments", "limit@payments", "limit of payments"),
        (ReasonKind.SHED, "orders->payments", "throttle", None),
        (ReasonKind.EJECTED, "gateway->orders", "outlier_ejection@gateway->orders", "outlier_ejection on gateway->orders"),
        (ReasonKind.EJECTED, "gateway->users", "throttle", "outlier_ejection on gateway->users"),
        (ReasonKind.HEDGED, "gateway->orders", "hedge", "hedge on gateway->orders"),
        (ReasonKind.RETRIED, "orders->payments", "retry@orders->payments", "retry on orders->payments"),
        (ReasonKind.BUDGET_DENIED, "orders->payments", "budget", "budget on orders->payments"),
        (ReasonKind.CAUGHT_UP, "gateway->deliveries", "throttle", "fallback of kind defer on gateway->deliveries"),
        (ReasonKind.CAUGHT_UP, "orders->deliveries", "throttle", None),
    ],
)
def test_a_reason_can_be_seen_where_its_pattern_is_in_force(
    kind: ReasonKind, edge: str, switch: str, missing: str | None
) -> None:
    topology = load_topology()
    assert lacking(Reason(reason=kind, edge=edge), InForce.of(topology, Profile.DECLARED, [switch])) == missing


def test_what_was_shed_since_an_instant_that_nobody_read_is_not_known(bench: Bench, protected: Scenario) -> None:
    marks = {Mark.FAULT_END: {"payments/1": Samples.parse('resilience_shed_total{urgency="4"} 9\n')}}
    evidence = replace(bench.evidence(protected), metrics=MetricsRecord(marks))
    proof = right_reason(evidence, [Reason(reason=ReasonKind.SHED, edge=EDGE)], load_topology())
    assert proof.status is ProofStatus.UNKNOWN
