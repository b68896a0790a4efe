"""Measures an arm's objectives, one function each: evidence in, a Measurement out."""

import math
from collections import Counter

from chaos.experiment.evidence import ArmEvidence
from chaos.experiment.in_force import InForce
from chaos.experiment.measurement import Measurement
from chaos.experiment.metrics import Mark
from chaos.experiment.objectives import Amplification, Goodput, Objectives, RecoveryTime
from chaos.experiment.outcomes import ObjectiveKind
from chaos.experiment.proofs.recovery import quiet_s
from chaos.experiment.result import Interval, Recovery
from chaos.experiment.statistics.blocks import BLOCK_S, design_effect
from chaos.experiment.statistics.means import bounded_mean, mean_of
from chaos.experiment.windows import Window
from observability import names
from services.policy import EdgePolicy
from services.topology import split_edge

MIN_CALLS = 30
"""Worth deciding by, once divided by the design effect: with fewer the normal approximation of a mean is none."""
MIN_BLOCKS = 10
"""Seconds of a window: the spread of fewer is no estimate."""


def measure(objectives: Objectives, evidence: ArmEvidence, recovery: Recovery, arm: InForce) -> tuple[Measurement, ...]:
    """Every objective that is stated."""
    found = []
    if objectives.amplification is not None:
        found.append(amplification(objectives.amplification, evidence, arm.policy(objectives.amplification.edge)))
    if objectives.goodput is not None:
        found.append(goodput(objectives.goodput, evidence))
    if objectives.recovery is not None:
        found.append(recovery_time(objectives.recovery, recovery, evidence.windows.recovery))
    return tuple(found)


def amplification(wanted: Amplification, evidence: ArmEvidence, policy: EdgePolicy) -> Measurement:
    """Attempts for each logical call over an edge, of calls that somebody waits for."""
    edge, allowed = wanted.edge, f"at most {wanted.max:g} is allowed"
    unread = _unread(evidence, split_edge(edge)[0])
    if unread:
        return Measurement(ObjectiveKind.AMPLIFICATION, edge, wanted.max, unread, allowed)
    foreground = {names.LABEL_EDGE: edge, names.LABEL_TRAFFIC: names.TRAFFIC_FOREGROUND}
    attempts = _grown(evidence, f"{names.HTTP_CLIENT_DURATION}_count", foreground, edge)
    calls = _grown(evidence, names.RESILIENCE_CALLS, foreground, edge)
    effect = _fate_shared(evidence)
    n = calls / effect
    numbers = {"attempts": attempts, "calls": calls, "design_effect": round(effect, 2)}
    if n < MIN_CALLS:
        said = f"{calls:.0f} calls over {edge} in the fault window are worth {n:.0f}, and {MIN_CALLS} are needed"
        return Measurement(ObjectiveKind.AMPLIFICATION, edge, wanted.max, said, allowed, numbers=numbers)
    refused = _grown(evidence, names.RESILIENCE_REJECTIONS, {names.LABEL_EDGE: edge}, edge)
    unsent = refused + _grown(evidence, names.RESILIENCE_CALLS, foreground | {names.LABEL_OUTCOME: names.CACHED}, edge)
    # More than the policy's most is what ended in the window and began before, or an error of ours: estimated, too.
    most = max(most_attempts(policy), math.ceil(attempts / calls))
    estimate = bounded_mean(attempts / calls, n, most, unsent / calls)
    interval = estimate.interval()
    return Measurement(
        kind=ObjectiveKind.AMPLIFICATION,
        subject=edge,
        bound=wanted.max,
        said=f"{estimate.value:.2f} attempts a call over {edge} ({_interval(interval)}; {attempts:.0f} for {calls:.0f} calls)",
        allowed=allowed,
        value=estimate.value,
        interval=interval,
        violation_p=estimate.p_value_above(wanted.max),
        held=interval.high <= wanted.max,
        numbers=numbers | {"refused": refused, "attempts_per_call": round(estimate.value, 3)},
    )


def most_attempts(policy: EdgePolicy) -> int:
    """How often one call over an edge may be sent: every attempt of a retry may be hedged."""
    retried = policy.retry.max_attempts if policy.retry else 1
    return retried * (policy.hedge.max_attempts if policy.hedge else 1)


def goodput(wanted: Goodput, evidence: ArmEvidence) -> Measurement:
    """Journeys that ended well in each second of the fault window, by when they ended: that is when the work was done."""
    window, name = evidence.windows.fault, wanted.journey
    seconds = int(window.length_s // BLOCK_S)
    ended = Counter(
        int((journey.done_s - window.start_s) // BLOCK_S)
        for journey in evidence.journeys
        if journey.name == name and journey.succeeded and window.contains(journey.done_s)
    )
    allowed = f"at least {wanted.min_per_s:g} is asked"
    if seconds < MIN_BLOCKS:
        said = f"the fault window has {seconds} whole seconds, and {MIN_BLOCKS} are needed"
        return Measurement(ObjectiveKind.GOODPUT, name, wanted.min_per_s, said, allowed)
    estimate = mean_of([float(ended[second]) for second in range(seconds)])
    interval, share = estimate.interval(), estimate.value / wanted.peak_per_s
    of_peak = f"{share:.0%} of the peak of {wanted.peak_per_s:g}"
    return Measurement(
        kind=ObjectiveKind.GOODPUT,
        subject=name,
        bound=wanted.min_per_s,
        said=f"{estimate.value:.1f} {name} journeys a second ended well ({_interval(interval)}), {of_peak}",
        allowed=allowed,
        value=estimate.value,
        interval=interval,
        violation_p=estimate.p_value_below(wanted.min_per_s),
        held=interval.low >= wanted.min_per_s,
        numbers={"goodput_per_s": round(estimate.value, 3), "of_peak_share": round(share, 4), "window_s": float(seconds)},
    )


def recovery_time(wanted: RecoveryTime, recovery: Recovery, window: Window) -> Measurement:
    """How long after the lift everything was back. What was not back at the end of the arm is a violation."""
    limit_s = wanted.max_ms / 1_000
    if recovery.recovered and recovery.after_s is not None:
        last = f", {recovery.last_journey} last" if recovery.last_journey else ""
        said = f"every journey was back {recovery.after_s:.1f} s after the fault was lifted{last}"
        held: bool | None = recovery.after_s <= limit_s
    else:
        said = f"{recovery.last_journey or 'nobody'} was not back {window.length_s:.1f} s after the fault was lifted"
        held = False if window.length_s - quiet_s(window) >= limit_s else None
    return Measurement(
        kind=ObjectiveKind.RECOVERY,
        subject="",
        bound=limit_s,
        said=said,
        allowed=f"at most {limit_s:g} s is allowed",
        value=recovery.after_s,
        held=held,
        numbers={"watched_s": round(window.length_s, 3)} | ({} if recovery.after_s is None else {"after_s": recovery.after_s}),
    )


def _fate_shared(evidence: ArmEvidence) -> float:
    """By what calls of the same second are to be divided: the largest design effect that any kind of journey shows.

    Counters of calls are read at the window's ends only; what makes calls share their fate makes their journeys share it.
    """
    window = evidence.windows.fault
    kinds = {journey.name for journey in evidence.journeys}
    samples = [window.select(evidence.journeys, kind) for kind in kinds]
    return max(
        (
            design_effect([each.intended_s for each in sample], [each.succeeded for each in sample], window.start_s)
            for sample in samples
        ),
        default=1.0,
    )


def _unread(evidence: ArmEvidence, service: str) -> str:
    """Which processes were not read at an end of the window: what they counted there is not known. Empty when all were."""
    begun, ended = (evidence.metrics.instances(service, mark) for mark in (Mark.FAULT_BEGUN, Mark.FAULT_END))
    missing = ", ".join(sorted(begun ^ ended)) or ("" if begun else service)
    return f"the metrics of {missing} could not be read at both ends of the fault window" if missing else ""


def _grown(evidence: ArmEvidence, name: str, labels: dict[str, str], edge: str) -> float:
    return evidence.metrics.growth(name, labels, split_edge(edge)[0], Mark.FAULT_BEGUN, Mark.FAULT_END)


def _interval(interval: Interval) -> str:
    return f"{100 * interval.confidence:.0f} % interval {interval.low:.2f} to {interval.high:.2f}"
