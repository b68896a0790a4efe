"""Proof 1: the fault was where it was meant to be, as strongly as asked, for the whole window."""

import math

from chaos.experiment.evidence import ArmEvidence
from chaos.experiment.experiment_file import LoadedExperiment
from chaos.experiment.facts import LeaseCount
from chaos.experiment.fault_plan import ProcessFaultPlan, RequestFaultPlan, SurgePlan
from chaos.experiment.outcomes import ProofKind, ProofStatus
from chaos.experiment.result import Proof
from chaos.experiment.statistics.proportions import Share, wilson, z_of
from chaos.targets.place import Place

DOWN_SHARE = 0.99
"""Of the window: the rest is what it takes to kill a process and to write that down."""
STILL_SERVED_SHARE = 0.01
"""Of the baseline's rate: more requests than that, and somebody still served."""
RATE_CONFIDENCE = 0.999
"""Of the interval that must contain the asked rate; a correct draw misses it once in a thousand runs."""


def fault_bit(evidence: ArmEvidence, loaded: LoadedExperiment) -> Proof:
    """Compares what was asked with what the keeper's journal, the telemetry store, the leases and the load's record tell."""
    plan, place = loaded.experiment.fault, loaded.place
    if isinstance(plan, ProcessFaultPlan):
        return _processes_were_down(evidence, plan, place)
    if isinstance(plan, SurgePlan):
        return _customers_came(evidence, plan, loaded.rates_per_s[plan.journey])
    return _requests_were_hit(evidence, plan, place)


def _processes_were_down(evidence: ArmEvidence, plan: ProcessFaultPlan, place: Place) -> Proof:
    window, began = evidence.windows.fault, evidence.facts.started_at
    down_s = min(
        (evidence.journal.down_s(each, began + window.start_s, began + window.end_s) for each in evidence.fault.targets),
        default=0.0,
    )
    done = "killed" if plan.kind == "kill" else "paused"
    numbers = {"down_s": round(down_s, 3), "window_s": round(window.length_s, 3)}
    sentence = f"every process of {place} was {done} for {down_s:.1f} of {window.length_s:.1f} s"
    if window.length_s == 0 or down_s < DOWN_SHARE * window.length_s:
        return _proof(ProofStatus.REFUTED, f"not {sentence}, but less than the window", numbers)
    if place.replica is not None:
        return _proof(ProofStatus.PROVEN, f"{sentence} (keeper's journal)", numbers)
    before, during = evidence.served.per_s(evidence.windows.baseline), evidence.served.per_s(window)
    if not before or during is None:
        return _proof(ProofStatus.UNKNOWN, f"{sentence}, but {place} has no spans in the baseline to compare with", numbers)
    numbers |= {"served_baseline_per_s": round(before, 2), "served_fault_per_s": round(during, 2)}
    served = f"it served {during:.1f} requests a second, {before:.1f} before"
    if during > STILL_SERVED_SHARE * before:
        return _proof(ProofStatus.REFUTED, f"{sentence}, and yet {served}", numbers)
    return _proof(ProofStatus.PROVEN, f"{sentence}; {served}", numbers)


def _requests_were_hit(evidence: ArmEvidence, plan: RequestFaultPlan, place: Place) -> Proof:
    counts, rate = evidence.fault.counts, plan.rate
    seen, injected = sum(count.seen for count in counts), sum(count.injected for count in counts)
    numbers = {"seen": float(seen), "injected": float(injected), "asked_rate": rate}
    missing = sorted(set(evidence.fault.targets) - {count.instance for count in counts if count.in_force_at_lift})
    if missing or not counts:
        lost = ", ".join(missing) or str(place)
        return _proof(ProofStatus.REFUTED, f"the lease was not in force to the window's end in {lost}", numbers)
    if injected == 0:
        return _proof(ProofStatus.REFUTED, f"the lease at {place} saw {seen} requests and hit none", numbers)
    idle = [count.instance for count in counts if count.seen == 0]
    achieved = injected / seen
    low, high = wilson(Share(achieved, seen), z_of(RATE_CONFIDENCE))
    numbers["achieved_rate"] = round(achieved, 4)
    hit = f"{injected} of {seen} {plan.counted} at {place} were hit"
    sentence = f"{hit} ({achieved:.1%}, asked {rate:.0%}), {_by_process(counts)}"
    if idle:
        return _proof(ProofStatus.REFUTED, f"{sentence}; {', '.join(idle)} saw none", numbers)
    if not low <= rate <= high:
        return _proof(ProofStatus.REFUTED, f"{sentence}: not the rate that was asked", numbers)
    return _proof(ProofStatus.PROVEN, f"{sentence}, from the first to the last second of the window", numbers)


def _customers_came(evidence: ArmEvidence, plan: SurgePlan, load_per_s: float) -> Proof:
    """As many as were asked, and more than the load alone brings: arrivals are Poisson, whose number varies by its root."""
    windows, asked_per_s = evidence.windows, plan.asked_per_s(load_per_s)
    before_s, during_s = windows.baseline.length_s, windows.fault.length_s
    before = len(windows.baseline.select(evidence.journeys, plan.journey))
    came = len(windows.fault.select(evidence.journeys, plan.journey))
    numbers = {"came": float(came), "asked_per_s": asked_per_s}
    if during_s == 0 or before_s == 0:
        return _proof(ProofStatus.REFUTED, "the window of the surge was empty", numbers)
    numbers |= {
        "came_per_s": round(came / during_s, 2),
        "before_per_s": round(before / before_s, 2),
    }
    sentence = (
        f"{came} {plan.journey} journeys began in {during_s:.1f} s, {came / during_s:.1f} a second where {asked_per_s:g} were "
        f"asked, {before / before_s:.1f} before"
    )
    expected, alone, z = asked_per_s * during_s, load_per_s * during_s, z_of(RATE_CONFIDENCE)
    if abs(came - expected) > z * math.sqrt(expected):
        return _proof(ProofStatus.REFUTED, f"{sentence}: not the rate that was asked", numbers)
    if came - alone <= z * math.sqrt(alone):
        return _proof(ProofStatus.REFUTED, f"{sentence}: the load alone may bring as many", numbers)
    return _proof(ProofStatus.PROVEN, sentence, numbers)


def _by_process(counts: tuple[LeaseCount, ...]) -> str:
    return ", ".join(f"{count.instance} {count.injected}" for count in counts)


def _proof(status: ProofStatus, sentence: str, numbers: dict[str, float]) -> Proof:
    return Proof(kind=ProofKind.FAULT_BIT, status=status, sentence=sentence, numbers=numbers)
