"""Whether an arm says anything about the system at all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chaos.experiment.evidence import ArmEvidence
from chaos.experiment.metrics import SCRAPE_LEAD_S, Mark
from chaos.experiment.model import Bounds
from chaos.experiment.outcomes import ProofStatus, Role
from chaos.experiment.pace import fitting_pace
from chaos.experiment.result import JourneyResult, LoadQuality, Proof

PROCESS_CPU = "process_cpu_seconds_total"
"""prometheus-client's own name for a process's processor time."""


@dataclass(frozen=True)
class Paces:
    """How fast customers came, and how slowly they may."""

    taken: float = 1.0
    slowest: float = 1.0

    def way_out(self, cpu_percent: float, allowed_percent: float) -> str:
        """What to do about a machine that was too busy; empty for an experiment that has one pace."""
        if self.taken <= self.slowest:
            return "; customers came as slowly as they may: let the machine do nothing else" if self.slowest < 1 else ""
        pace = fitting_pace(cpu_percent / self.taken, allowed_percent, self.slowest)
        return f"; customers may come more slowly: --pace {pace:g}"


def load_quality(evidence: ArmEvidence, arrivals_sha256: str) -> LoadQuality:
    """What the generator delivered, and how busy the machine was in the windows that are compared."""
    load, windows, began = evidence.load, evidence.windows, evidence.facts.started_at
    shares = [
        evidence.cpu.busy_percent(began + window.start_s, began + window.end_s) for window in (windows.baseline, windows.fault)
    ]
    measured = [round(share, 1) for share in shares if share is not None]
    return LoadQuality(
        arrivals=load.arrivals,
        sent=sum(load.sent.values()),
        completed=sum(load.completed.values()),
        abandoned=sum(load.abandoned.values()),
        skipped=sum(load.skipped.values()),
        dropped=sum(load.dropped.values()),
        lateness_p50_ms=round(load.lateness_ms.p50, 3),
        lateness_p99_ms=round(load.lateness_ms.p99, 3),
        lateness_max_ms=round(load.lateness_ms.max, 3),
        arrivals_sha256=arrivals_sha256,
        cpu_mean_percent=round(sum(measured) / len(measured), 1) if measured else None,
        cpu_max_percent=max(measured, default=None),
    )


def invalid_reasons(
    evidence: ArmEvidence,
    bounds: Bounds,
    quality: LoadQuality,
    bit: Proof,
    journeys: Sequence[JourneyResult],
    *,
    sheds_at_entry: bool = False,
    paces: Paces = Paces(),
) -> tuple[str, ...]:
    """Why the arm says nothing, one sentence each; empty when it does say something.

    Where the entry sheds load (`sheds_at_entry`), a 429 is its limit's answer, which is the system's, and no rate limit's. Where
    customers may come more slowly (`paces`), a busy machine has a way out.
    """
    return (
        *([] if bit.status is ProofStatus.PROVEN else [f"the fault is not shown to have bitten: {bit.sentence}"]),
        *_load(evidence, bounds, quality, paces),
        *([] if sheds_at_entry else _rate_limit(evidence, quality)),
        *_baseline(bounds, journeys),
    )


def _load(evidence: ArmEvidence, bounds: Bounds, quality: LoadQuality, paces: Paces) -> Iterator[str]:
    if not evidence.load.complete:
        yield f"the load is incomplete: {evidence.load.problem or 'the generator does not say why'}"
    if quality.dropped:
        yield f"{quality.dropped} of {quality.arrivals} arrivals were dropped: too many journeys in flight"
    if quality.lateness_p99_ms > bounds.lateness_p99_ms:
        yield (
            f"the load came late: p99 {quality.lateness_p99_ms:.1f} ms after the intended instant, "
            f"at most {bounds.lateness_p99_ms:g} ms is allowed"
        )
    if quality.cpu_max_percent is not None and quality.cpu_max_percent > bounds.machine_cpu_percent:
        busy = f"the machine was {quality.cpu_max_percent:.1f} % busy{_of_which(evidence)}"
        allowed = f"at most {bounds.machine_cpu_percent:g} % is allowed"
        slower = paces.way_out(quality.cpu_max_percent, bounds.machine_cpu_percent)
        yield f"{busy}, {allowed}: what was measured is the machine, not the system{slower}"


def _rate_limit(evidence: ArmEvidence, quality: LoadQuality) -> Iterator[str]:
    limited = sum(journey.rate_limited for journey in evidence.journeys)
    if limited:
        yield f"{limited} of {quality.arrivals} journeys met a rate limit (429): what was measured is the limit, not the system"


def _of_which(evidence: ArmEvidence) -> str:
    """Tells whoever reads of a busy machine whether others kept it busy; empty where that is not known."""
    known = [said for said in (_by_services(evidence), _by_the_host(evidence)) if said]
    return f" ({'; '.join(known)})" if known else ""


def _by_services(evidence: ArmEvidence) -> str:
    began, marks = evidence.facts.started_at, evidence.facts.marks_s
    before, after = (evidence.metrics.marks.get(mark, {}) for mark in (Mark.BASELINE_START, Mark.FAULT_START))
    used_s = sum(
        samples.total(PROCESS_CPU, {}) - before[instance].total(PROCESS_CPU, {})
        for instance, samples in after.items()
        if instance in before
    )
    share = evidence.cpu.share_of(used_s, began + marks[1], began + marks[2] - SCRAPE_LEAD_S)
    return f"in the baseline the services alone kept {share:.0f} % of it busy" if share and used_s > 0 else ""


def _by_the_host(evidence: ArmEvidence) -> str:
    """A virtual machine may be busy with nothing: its host gives its processors to others."""
    began, windows = evidence.facts.started_at, (evidence.windows.baseline, evidence.windows.fault)
    shares = [evidence.cpu.stolen_percent(began + each.start_s, began + each.end_s) or 0.0 for each in windows]
    return f"this virtual machine's host took up to {max(shares):.0f} % of it for others" if max(shares) >= 1 else ""


def _baseline(bounds: Bounds, journeys: Sequence[JourneyResult]) -> Iterator[str]:
    for journey in journeys:
        if journey.role is Role.WATCHED:
            continue
        before = journey.baseline
        if not before.journeys:
            yield f"{journey.name} did not occur in the baseline"
        elif 100 * before.succeeded / before.journeys < bounds.baseline_success_percent:
            yield f"the baseline was unhealthy: only {before.succeeded} of {before.journeys} {journey.name} journeys succeeded"
        elif 100 * (1 - before.degraded / before.journeys) < bounds.baseline_success_percent:
            yield f"the baseline was degraded: {before.degraded} of {before.journeys} {journey.name} journeys, without any fault"
