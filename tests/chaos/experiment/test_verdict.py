"""From what an arm left behind to its verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chaos.experiment.comparison import compare_all
from chaos.experiment.model import Judged
from chaos.experiment.outcomes import Holding, ProofKind, ProofStatus, Role, Verdict
from chaos.experiment.verdict import decide, doubts_about

if TYPE_CHECKING:
    from random import Random

    from tests.chaos.experiment.conftest import Bench
    from tests.chaos.experiment.scenarios import Fate, Scenario


def test_a_protected_system_is_isolated_and_every_evaluated_proof_stands(bench: Bench, protected: Scenario) -> None:
    arm = bench.judge(protected)
    assert (arm.verdict, arm.expected, arm.met) == (Verdict.ISOLATED, Verdict.ISOLATED, True)
    assert [proof.kind for proof in arm.proofs] == list(ProofKind)
    assert {proof.kind: proof.status for proof in arm.proofs if proof.status is not ProofStatus.PROVEN} == {
        ProofKind.ALERTS: ProofStatus.UNKNOWN  # Nothing was asked to page: there is no Prometheus here.
    }
    assert arm.journey("order").fault.degraded_share == 1.0
    assert arm.journey("track").role is Role.MAY_DEGRADE
    assert arm.recovery.after_s == pytest.approx(4.0, abs=0.2)


def test_an_unprotected_system_leaks_in_the_journey_that_failed_and_in_no_other(bench: Bench, unprotected: Scenario) -> None:
    arm = bench.judge(unprotected)
    assert (arm.verdict, arm.met) == (Verdict.LEAKED, True)
    assert arm.journey("order").holding is Holding.LEAKED
    assert arm.journey("browse").holding is Holding.HELD
    assert arm.reasons[0].startswith("order leaked: success changed by -100.0 percentage points (90 % interval -100.0 to")
    assert arm.proof(ProofKind.JOURNEYS_HELD).status is ProofStatus.REFUTED
    assert arm.proof(ProofKind.RIGHT_REASON).status is ProofStatus.NOT_EVALUATED


def test_a_small_leak_is_found_when_it_is_certain(bench: Bench, protected: Scenario) -> None:
    def four_in_a_hundred(name: str, instant_s: float, random: Random) -> Fate:
        fate = protected.fate(name, instant_s, random)
        return replace(fate, ok=not (name == "browse" and 25 <= instant_s < 45 and random.random() < 0.04))

    arm = bench.judge(replace(protected, fate=four_in_a_hundred))
    assert arm.verdict is Verdict.LEAKED
    assert arm.journey("browse").holding is Holding.LEAKED
    assert not arm.met


def test_a_drop_too_close_to_the_margin_is_inconclusive_and_says_how_many_journeys_would_decide(
    bench: Bench, protected: Scenario
) -> None:
    def one_in_a_hundred(name: str, instant_s: float, random: Random) -> Fate:
        return replace(protected.fate(name, instant_s, random), ok=not (name == "browse" and 30 < instant_s < 30.2))

    arm = bench.judge(replace(protected, fate=one_in_a_hundred))
    browse = arm.journey("browse")
    assert arm.verdict is Verdict.INCONCLUSIVE
    assert browse.comparison is not None
    assert browse.comparison.journeys_needed is not None
    assert browse.comparison.journeys_needed > browse.fault.journeys
    assert f"about {browse.comparison.journeys_needed} in each window are needed" in arm.reasons[0]


def test_a_slower_p95_leaks_although_every_journey_succeeds(bench: Bench, protected: Scenario) -> None:
    def slower(name: str, instant_s: float, random: Random) -> Fate:
        fate = protected.fate(name, instant_s, random)
        slow = name == "order" and 25 <= instant_s < 45 and random.random() < 0.2
        return replace(fate, elapsed_ms=fate.elapsed_ms + 700 * slow)

    arm = bench.judge(replace(protected, fate=slower))
    assert arm.verdict is Verdict.LEAKED
    assert "p95 by +" in arm.reasons[0]
    assert "beyond 250 ms" in arm.reasons[0]
    assert "success" not in arm.reasons[0]


def test_too_few_journeys_are_inconclusive_however_clear_they_look(bench: Bench, unprotected: Scenario) -> None:
    arm = bench.judge(replace(unprotected, thinned=0.2))
    assert arm.verdict is Verdict.INCONCLUSIVE
    assert arm.journey("order").fault.success == 0.0
    assert any("about 400 in each window are needed" in reason for reason in arm.reasons)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"down_s": None}, "the fault is not shown to have bitten: not every process of deliveries was killed for 0.0"),
        ({"down_s": (25.02, 40.0)}, "killed for 15.0 of 20.0 s, but less than the window"),
        ({"served_in_fault": 5}, "and yet it served 5.0 requests a second, 47.0 before"),
        ({"lateness_p99_ms": 12.0}, "the load came late: p99 12.0 ms after the intended instant, at most 10 ms is allowed"),
        ({"cpu_percent": 97.0}, "97.0 % busy (in the baseline the services alone kept 11 % of it busy), at most 85 % is allowed"),
        (
            {"cpu_percent": 97.0, "stolen_percent": 42.0},
            "; this virtual machine's host took up to 42 % of it for others), at most",
        ),
        ({"dropped": 3}, "3 of 4507 arrivals were dropped"),
        ({"complete": False}, "the load is incomplete: the disk was full"),
    ],
)
def test_an_arm_that_says_nothing_is_invalid_and_says_why(
    bench: Bench, protected: Scenario, change: dict[str, object], said: str
) -> None:
    arm = bench.judge(replace(protected, **change))  # type: ignore[arg-type] # one field each, by name
    assert arm.verdict is Verdict.INVALID
    assert not arm.met
    assert [reason for reason in arm.reasons if said in reason] == list(arm.reasons)


def test_a_load_that_met_a_rate_limit_is_invalid(bench: Bench, protected: Scenario) -> None:
    def limited(name: str, instant_s: float, random: Random) -> Fate:
        fate = protected.fate(name, instant_s, random)
        return replace(fate, ok=False, failure=429) if name == "sign_in" and 30 <= instant_s < 33 else fate

    arm = bench.judge(replace(protected, fate=limited))
    assert arm.verdict is Verdict.INVALID
    assert arm.reasons[0].endswith("journeys met a rate limit (429): what was measured is the limit, not the system")


def test_where_the_entry_sheds_load_its_answer_is_the_systems_and_no_rate_limit(
    bench: Bench, protected: Scenario, unprotected: Scenario
) -> None:
    def shed(name: str, instant_s: float, random: Random) -> Fate:
        fate = protected.fate(name, instant_s, random)
        return replace(fate, ok=False, failure=429) if name == "sign_in" and 30 <= instant_s < 33 else fate

    limited = overlaid(bench, "{services: {gateway: {limit: {}}}}")
    assert limited.judge(replace(protected, fate=shed)).verdict is Verdict.ISOLATED
    unlimited = limited.judge(replace(unprotected, fate=shed))  # Its profile leaves no limit that could shed.
    assert unlimited.verdict is Verdict.INVALID
    assert "met a rate limit (429)" in unlimited.reasons[0]


def overlaid(bench: Bench, system: str) -> Bench:
    """The outage of deliveries in a system that differs from the shipped one."""
    path = bench.folder / "overlaid.yaml"
    path.write_text(f"{bench.loaded.path.read_text(encoding='utf-8')}\nsystem: {system}\n", encoding="utf-8")
    return replace(bench, loaded=bench.load(path))


def test_an_unhealthy_baseline_is_invalid_even_if_the_fault_made_nothing_worse(bench: Bench, protected: Scenario) -> None:
    def sick(name: str, instant_s: float, random: Random) -> Fate:
        return replace(protected.fate(name, instant_s, random), ok=not (name == "order" and random.random() < 0.05))

    arm = bench.judge(replace(protected, fate=sick))
    assert arm.verdict is Verdict.INVALID
    assert arm.reasons[0].startswith("the baseline was unhealthy: only ")


def test_a_baseline_that_was_degraded_is_no_baseline(bench: Bench, protected: Scenario) -> None:
    def degraded(name: str, instant_s: float, random: Random) -> Fate:
        return replace(protected.fate(name, instant_s, random), degraded=name == "track")

    arm = bench.judge(replace(protected, fate=degraded))
    assert arm.verdict is Verdict.INVALID
    assert "the baseline was degraded" in arm.reasons[0]


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"breaker_opened": 0}, ProofKind.RIGHT_REASON, "the breaker of orders->deliveries never opened"),
        ({"fallbacks": 0}, ProofKind.RIGHT_REASON, "orders->deliveries served no fallback"),
        ({"undelivered": 4}, ProofKind.RIGHT_REASON, "orders has not caught up: deliveries handled 661 of 665"),
        ({"without_courier": 2}, ProofKind.INVARIANTS, "2 without a courier"),
    ],
)
def test_isolation_for_the_wrong_reason_does_not_meet_the_expectation(
    bench: Bench, protected: Scenario, change: dict[str, object], kind: ProofKind, said: str
) -> None:
    arm = bench.judge(replace(protected, **change))  # type: ignore[arg-type] # one field each, by name
    assert arm.verdict is Verdict.ISOLATED
    assert arm.proof(kind).status is ProofStatus.REFUTED
    assert not arm.met
    assert said in arm.reasons[-1]


def test_books_that_could_not_be_read_leave_isolation_unproven(bench: Bench, protected: Scenario) -> None:
    arm = bench.judge(replace(protected, with_books=False))
    assert arm.proof(ProofKind.INVARIANTS).status is ProofStatus.UNKNOWN
    assert not arm.met


def test_a_system_that_stays_degraded_has_not_recovered(bench: Bench, protected: Scenario) -> None:
    def forever(name: str, instant_s: float, random: Random) -> Fate:
        return replace(protected.fate(name, instant_s, random), degraded=name == "track" and instant_s >= 25)

    arm = bench.judge(replace(protected, fate=forever))
    assert not arm.recovery.recovered
    assert arm.proof(ProofKind.RECOVERY).sentence == "track was not back 15.0 s after the fault was lifted"
    assert not arm.met


def test_a_leak_need_not_recover_to_be_the_leak_that_was_expected(bench: Bench, unprotected: Scenario) -> None:
    def forever(name: str, instant_s: float, random: Random) -> Fate:
        return replace(unprotected.fate(name, instant_s, random), ok=not (name == "order" and instant_s >= 25))

    arm = bench.judge(replace(unprotected, fate=forever))
    assert arm.proof(ProofKind.RECOVERY).status is ProofStatus.REFUTED
    assert arm.met


def test_a_verdict_that_was_not_expected_is_not_met_and_the_same_evidence_always_gives_it(
    bench: Bench, unprotected: Scenario
) -> None:
    scenario = replace(unprotected, arm="declared")
    first = bench.judge(scenario)
    assert (first.verdict, first.expected, first.met) == (Verdict.LEAKED, Verdict.ISOLATED, False)
    assert bench.judge(scenario) == first


def test_an_invalid_arm_is_invalid_whatever_its_journeys_did(bench: Bench, unprotected: Scenario) -> None:
    journeys = bench.judge(unprotected).journeys
    assert decide(("the load came late",), journeys).verdict is Verdict.INVALID
    assert decide((), journeys).verdict is Verdict.LEAKED


def test_doubts_name_the_proof_that_does_not_stand(bench: Bench, protected: Scenario) -> None:
    proofs = bench.judge(replace(protected, breaker_opened=0)).proofs
    assert doubts_about(Verdict.ISOLATED, proofs, alerts_stated=True)[0].startswith("but right reason is refuted: the breaker of")
    assert doubts_about(Verdict.LEAKED, proofs, alerts_stated=True) == ()


def test_a_journey_that_straddles_the_lift_counts_where_it_was_intended_to_begin(bench: Bench, protected: Scenario) -> None:
    def rescued(name: str, instant_s: float, random: Random) -> Fate:
        fate = protected.fate(name, instant_s, random)
        return replace(fate, elapsed_ms=3_000.0 if name == "order" and 43 <= instant_s < 45 else 20.0)

    order = bench.judge(replace(protected, fate=rescued)).journey("order")
    assert order.straddling == pytest.approx(50, abs=20)
    assert order.fault.p99_ms == pytest.approx(3_000)


def test_more_journeys_judged_make_a_single_surprise_less_surprising(bench: Bench, protected: Scenario) -> None:
    def unlucky(name: str, instant_s: float, random: Random) -> Fate:
        return replace(protected.fate(name, instant_s, random), ok=not (name == "browse" and 31 <= instant_s < 31.5))

    evidence = bench.evidence(replace(protected, fate=unlucky))
    alone, _ = compare_all(evidence.journeys, {"browse": Judged()}, evidence.windows, 400, seed=1)
    among, _ = compare_all(evidence.journeys, {"browse": Judged(), "order": Judged()}, evidence.windows, 400, seed=1)
    assert 0 < alone["browse"].comparison.drop_p_value < among["browse"].comparison.drop_p_value


def test_the_series_hold_every_journey_in_the_second_of_its_intention(bench: Bench, unprotected: Scenario) -> None:
    arm = bench.judge(unprotected)
    series = next(each for each in arm.series if each.name == "order")
    assert len(series.arrivals) == 60
    assert sum(series.arrivals[30:40]) > 0
    assert sum(series.succeeded[30:40]) == 0
    assert all(good <= came for good, came in zip(series.succeeded, series.arrivals, strict=True))
