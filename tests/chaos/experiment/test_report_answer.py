"""The sentence at the top: it claims what was shown and nothing more."""

from pathlib import Path

import pytest

from chaos.experiment.outcomes import Holding, ProofKind, ProofStatus, Verdict
from chaos.experiment.report.answer import answer
from chaos.experiment.result import ArmResult, Comparison, FaultSpan, Interval, Result

FIXTURE = Path(__file__).parents[1] / "fixtures" / "outage" / "verdict.json"


@pytest.fixture
def result() -> Result:
    return Result.read(FIXTURE)


def told(result: Result) -> str:
    return " ".join(answer(result)).replace("\xa0", " ")


def with_order(arm: ArmResult, succeeded: int, comparison: dict[str, object]) -> ArmResult:
    """The arm with another fate of its journey `order`, which leaked."""
    order = arm.journey("order")
    assert isinstance(order.comparison, Comparison)
    changed = order.model_copy(
        update={
            "holding": Holding.LEAKED,
            "fault": order.fault.model_copy(update={"journeys": 200, "succeeded": succeeded}),
            "comparison": order.comparison.model_copy(update=comparison),
        }
    )
    journeys = tuple(changed if journey.name == "order" else journey for journey in arm.journeys)
    return arm.model_copy(update={"journeys": journeys, "verdict": Verdict.LEAKED})


def test_a_proven_experiment_is_told_in_two_sentences(result: Result) -> None:
    assert told(result) == (
        "Deliveries was dead for 20 s. Protected, browse and order went on as before; unprotected, every order journey failed."
    )


def test_a_partial_leak_is_told_with_its_share(result: Result) -> None:
    arm = with_order(result.arms[1], succeeded=6, comparison={"drop": 0.97})
    assert told(result.model_copy(update={"arms": (arm,)})).endswith("Unprotected, 97 % of order journeys failed.")


def test_a_leak_of_latency_alone_is_not_told_as_failures(result: Result) -> None:
    slower = Interval(low=900, high=1_500, confidence=0.9)
    arm = with_order(result.arms[1], 200, {"drop": 0.0, "p95_increase_ms": 1_240.0, "p95_increase_interval": slower})
    assert told(result.model_copy(update={"arms": (arm,)})).endswith("Unprotected, the p95 of order journeys rose by 1.24 s.")


@pytest.mark.parametrize(
    ("verdict", "clause"),
    [(Verdict.INVALID, "nothing was shown: the arm is invalid"), (Verdict.INCONCLUSIVE, "the evidence does not decide")],
)
def test_an_arm_that_showed_nothing_claims_nothing(result: Result, verdict: Verdict, clause: str) -> None:
    arm = result.arms[1].model_copy(update={"verdict": verdict})
    assert told(result.model_copy(update={"arms": (arm,)})).endswith(f"Unprotected, {clause}.")


def test_a_fault_that_was_not_shown_to_bite_is_not_told_as_a_fact(result: Result) -> None:
    refuted = {"status": ProofStatus.REFUTED}
    arms = tuple(
        arm.model_copy(
            update={"proofs": tuple(p.model_copy(update=refuted) if p.kind is ProofKind.FAULT_BIT else p for p in arm.proofs)}
        )
        for arm in result.arms
    )
    assert told(result.model_copy(update={"arms": arms})).startswith("The fault (kill deliveries) was not shown to bite.")


@pytest.mark.parametrize(
    ("kind", "target", "sentence"),
    [
        ("hang", "deliveries", "Deliveries accepted requests and answered none for 20 s."),
        ("kill", "orders/2", "Replica orders/2 was dead for 20 s."),
        ("latency", "orders->payments", "Payments, as seen by orders, answered late for 20 s."),
        ("flood", "deliveries", "Deliveries was under the fault “flood” for 20 s."),
    ],
)
def test_every_kind_of_fault_has_its_words(result: Result, kind: str, target: str, sentence: str) -> None:
    arm = result.arms[0]
    assert isinstance(arm.fault, FaultSpan)
    changed = arm.model_copy(update={"fault": arm.fault.model_copy(update={"kind": kind, "target": target})})
    assert told(result.model_copy(update={"arms": (changed,)})).startswith(sentence)


def test_more_arms_than_a_sentence_holds_are_told_by_the_runs_own_summary(result: Result) -> None:
    assert told(result.model_copy(update={"arms": result.arms * 2})).endswith(result.sentence)
