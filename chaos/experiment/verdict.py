"""From the evidence of an arm to its verdict: a pure function of what is in the arm's folder."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chaos.experiment.comparison import Compared, compare_all
from chaos.experiment.computed_alerts import computed_alerts
from chaos.experiment.evidence import ArmEvidence
from chaos.experiment.experiment_file import LoadedExperiment
from chaos.experiment.fault_plan import FaultPlan, ProcessFaultPlan, SurgePlan
from chaos.experiment.in_force import InForce
from chaos.experiment.journeys import Journey, arrivals_digest
from chaos.experiment.measurement import Measurement
from chaos.experiment.measuring import measure
from chaos.experiment.model import Experiment
from chaos.experiment.outcomes import Holding, ObjectiveStatus, ProofKind, ProofStatus, Role, Verdict
from chaos.experiment.proofs.alerts import Judged, judge_alerts, not_judged
from chaos.experiment.proofs.fault_bit import fault_bit
from chaos.experiment.proofs.invariants import invariants_held
from chaos.experiment.proofs.journeys_held import journeys_held
from chaos.experiment.proofs.recovery import find_recovery, recovery_proof
from chaos.experiment.proofs.right_reason import right_reason
from chaos.experiment.result import ArmResult, FaultSpan, JourneyResult, ObjectiveResult, Proof, Recovery
from chaos.experiment.sentences import journey_sentence
from chaos.experiment.validity import Paces, invalid_reasons, load_quality
from chaos.experiment.windows import Windows, second_by_second, window_stats
from chaos.targets.place import Place

_AS_HOLDING = {
    ObjectiveStatus.HELD: Holding.HELD,
    ObjectiveStatus.VIOLATED: Holding.LEAKED,
    ObjectiveStatus.UNDECIDED: Holding.UNDECIDED,
}
_RESTS_ON = {
    Verdict.ISOLATED: (ProofKind.RIGHT_REASON, ProofKind.RECOVERY, ProofKind.INVARIANTS),
    Verdict.LEAKED: (ProofKind.INVARIANTS,),
}
"""Proofs beyond the verdict's own that must stand for an expectation to be met. What leaks need not recover."""


@dataclass(frozen=True)
class Decision:
    """A verdict, and why: one sentence each."""

    verdict: Verdict
    reasons: tuple[str, ...]


def judge_arm(evidence: ArmEvidence, loaded: LoadedExperiment, seed: int) -> ArmResult:
    """Everything there is to say about one arm."""
    experiment, place = loaded.experiment, loaded.place
    name, windows, roles = (evidence.facts.name, evidence.windows, experiment.journeys.roles())
    topology, plan = loaded.maps[name].topology, experiment.arms[name]
    in_force = InForce.of(topology, plan.profile, plan.without)
    recovery = find_recovery(evidence.journeys, roles, windows.recovery)
    measured = measure(experiment.objectives, evidence, recovery, in_force)
    besides = [each.violation_p for each in measured if each.violation_p is not None]
    compared, adjusted = compare_all(evidence.journeys, experiment.judged, windows, experiment.bounds.min_journeys, seed, besides)
    objectives = _decided(measured, adjusted)
    journeys = tuple(
        _journey_result(each, role, evidence.journeys, windows, compared.get(each), experiment) for each, role in roles.items()
    )
    quality = load_quality(evidence, arrivals_digest(evidence.journeys, evidence.facts.marks_s[1]))
    alerts = _alerts(evidence, loaded, recovery)
    proofs = (
        fault_bit(evidence, loaded),
        journeys_held(journeys, objectives),
        right_reason(evidence, experiment.because.get(name, ()), topology),
        alerts.proof,
        recovery_proof(recovery, windows.recovery),
        invariants_held(evidence),
    )
    sheds = in_force.limit(topology.entry) is not None
    paces = Paces(loaded.pace, experiment.load.slowest_pace)
    invalid = invalid_reasons(evidence, experiment.bounds, quality, proofs[0], journeys, sheds_at_entry=sheds, paces=paces)
    decision = decide(invalid, journeys, objectives)
    expected = experiment.expect[name]
    doubts = doubts_about(expected, proofs, alerts_stated=name in experiment.alerts) if decision.verdict is expected else ()
    return ArmResult(
        name=name,
        profile=str(plan.profile),
        without=plan.without,
        changes=plan.system.places() if plan.system else (),
        phases=evidence.facts.phases(),
        fault=_fault_span(evidence, experiment.fault, place),
        load=quality,
        journeys=journeys,
        objectives=objectives,
        series=tuple(second_by_second(evidence.journeys, each, evidence.facts.marks_s[-1]) for each in roles),
        proofs=proofs,
        recovery=recovery,
        alerts=alerts.alerts,
        verdict=decision.verdict,
        reasons=(*decision.reasons, *doubts),
        expected=expected,
        met=decision.verdict is expected and not doubts,
        trace=evidence.trace,
        addresses=evidence.facts.addresses,
    )


def decide(invalid: Sequence[str], journeys: Sequence[JourneyResult], objectives: Sequence[ObjectiveResult] = ()) -> Decision:
    """The verdict of an arm: the first that applies.

    INVALID if the arm says nothing; LEAKED if any judged journey leaked or an objective is surely violated; INCONCLUSIVE if any
    is undecided, be it for too few journeys; ISOLATED when all held.
    """
    judged = [(journey.holding, journey.sentence) for journey in journeys if journey.role is Role.JUDGED]
    judged += [(_AS_HOLDING[objective.status], objective.sentence) for objective in objectives]
    undecided = tuple(sentence for holding, sentence in judged if holding is Holding.UNDECIDED)
    leaked = tuple(sentence for holding, sentence in judged if holding is Holding.LEAKED)
    if invalid:
        return Decision(Verdict.INVALID, tuple(invalid))
    if leaked:
        return Decision(Verdict.LEAKED, leaked)
    if undecided:
        return Decision(Verdict.INCONCLUSIVE, undecided)
    return Decision(Verdict.ISOLATED, tuple(sentence for _, sentence in judged))


def doubts_about(expected: Verdict, proofs: Sequence[Proof], *, alerts_stated: bool) -> tuple[str, ...]:
    """Proofs that an expected verdict rests on and that do not stand, one sentence each.

    What an experiment states of its alerts is part of what it expects, whatever the verdict; what could not be decided for want
    of a Prometheus is held against nobody.
    """
    doubted = [
        proof
        for proof in proofs
        if proof.kind in _RESTS_ON.get(expected, ()) and proof.status in (ProofStatus.REFUTED, ProofStatus.UNKNOWN)
    ]
    if alerts_stated:
        doubted += [proof for proof in proofs if proof.kind is ProofKind.ALERTS and proof.status is ProofStatus.REFUTED]
    return tuple(f"but {proof.kind.replace('_', ' ')} is {proof.status}: {proof.sentence}" for proof in doubted)


def _alerts(evidence: ArmEvidence, loaded: LoadedExperiment, recovery: Recovery) -> Judged:
    """By Prometheus' record, or else by what the load's record lets one compute."""
    name = evidence.facts.name
    plan, slos = loaded.experiment.alert_plan(name), loaded.slos.get(name)
    if slos is None:
        return not_judged("there are no objectives for this map")
    if plan is None:
        return not_judged("the experiment does not say who should be paged")
    record = evidence.alerts or computed_alerts(evidence.requests, slos, evidence.facts.marks_s[-1])
    return judge_alerts(record, plan, slos, evidence.windows, recovery)


def _decided(measured: Sequence[Measurement], adjusted: Iterable[float]) -> tuple[ObjectiveResult, ...]:
    """Measurements with their adjusted p-values, which come in the order of those that have one."""
    p_values = iter(adjusted)
    return tuple(each.decided(None if each.violation_p is None else next(p_values)) for each in measured)


def _journey_result(
    name: str, role: Role, journeys: Sequence[Journey], windows: Windows, compared: Compared | None, experiment: Experiment
) -> JourneyResult:
    during = windows.fault.select(journeys, name)
    stats = window_stats(during)
    undecided = Holding.UNDECIDED if role is Role.JUDGED else Holding.NOT_JUDGED
    return JourneyResult(
        name=name,
        role=role,
        baseline=window_stats(windows.baseline.select(journeys, name)),
        fault=stats,
        recovery=window_stats(windows.recovery.select(journeys, name)),
        straddling=sum(journey.done_s > windows.fault.end_s for journey in during),
        comparison=compared.comparison if compared else None,
        holding=compared.holding if compared else undecided,
        sentence=journey_sentence(name, role, stats, compared, experiment.bounds),
    )


def _fault_span(evidence: ArmEvidence, plan: FaultPlan, place: Place) -> FaultSpan:
    if isinstance(plan, SurgePlan):
        return FaultSpan(
            kind=plan.kind,
            target=plan.journey,
            description=str(plan),
            applied_s=evidence.fault.applied_s,
            lifted_s=evidence.lifted_s,
            leases=(),
        )
    where = f"every process of {place}" if place.replica is None and not place.edge else str(place)
    if isinstance(plan, ProcessFaultPlan):
        description = f"{where} {'killed and kept down' if plan.kind == 'kill' else 'stopped (SIGSTOP)'}"
    else:
        description = f"{plan.request_fault()} on {plan.rate:.0%} of the requests {'over' if place.edge else 'to'} {place}"
    return FaultSpan(
        kind=plan.kind,
        target=plan.target,
        description=description,
        applied_s=evidence.fault.applied_s,
        lifted_s=evidence.lifted_s,
        leases=evidence.fault.leases,
    )
