"""Proof 4: the right page came, how soon, it was over how soon, and nobody was called for anything else.

What is told of services comes from Prometheus. Where there was none, journeys are computed from the load's record, which is less:
what is expected of a service then cannot be decided.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from chaos.experiment.alert_plan import AlertPlan
from chaos.experiment.alert_record import AlertRecord, AlertSource, AlertSpan
from chaos.experiment.outcomes import AlertRole, ProofKind, ProofStatus
from chaos.experiment.result import AlertResult, Proof, Recovery
from chaos.experiment.windows import Windows
from observability.slo.dependencies import Silenced, silenced_by
from observability.slo.inhibition import calls
from observability.slo.loader import Slos
from observability.slo.windows import Severity

_COMPUTED = "computed from the load's record, without Prometheus"


@dataclass(frozen=True)
class Judged:
    """The proof, and every page and ticket with the part that it played."""

    proof: Proof
    alerts: tuple[AlertResult, ...]


@dataclass(frozen=True)
class _Case:
    """What is judged: the record, against what, in which windows."""

    record: AlertRecord
    plan: AlertPlan
    windows: Windows
    recovery: Recovery
    silenced: Mapping[str, Silenced]

    @property
    def back_s(self) -> float | None:
        """When customers were served as before; None when they never were."""
        after_s = self.recovery.after_s if self.recovery.recovered else None
        return None if after_s is None else self.windows.recovery.start_s + after_s


def not_judged(why: str) -> Judged:
    """For an arm in which nothing can be told of alerts."""
    return Judged(Proof(kind=ProofKind.ALERTS, status=ProofStatus.NOT_EVALUATED, sentence=f"not evaluated: {why}"), ())


def judge_alerts(record: AlertRecord, plan: AlertPlan, slos: Slos, windows: Windows, recovery: Recovery) -> Judged:
    """Holds what stood against what was expected."""
    case = _Case(record, plan, windows, recovery, silenced_by(slos.topology, slos.journeys))
    roles = {span: _role(span, case) for span in record.spans if span.state == "firing"}
    expected = [_expected(subject, case, slos) for subject in plan.page]
    others = _others(roles, case)
    contradicted = _contradicted(roles, record)
    found = [*expected, *([others] if others else []), *([contradicted] if contradicted else [])]
    if not plan.page:
        found = found or [_Found(ProofStatus.PROVEN, "nobody was paged, as expected", {})]
    elif not others and not contradicted:
        found.append(_Found(ProofStatus.PROVEN, "nobody was paged for anything else", {}))
    inhibited = _named(span for span, role in roles.items() if role is AlertRole.INHIBITED)
    said = [each.sentence for each in found] + ([f"silent: {inhibited}"] if inhibited else [])
    source = f"{_COMPUTED}: " if record.source is AlertSource.COMPUTED else ""
    numbers = {name: value for each in found for name, value in each.numbers.items()}
    numbers |= {f"{role}_pages": float(sum(each is role for span, each in roles.items() if span.pages)) for role in AlertRole}
    numbers["tickets"] = float(sum(span.severity is Severity.TICKET for span in roles))
    proof = Proof(
        kind=ProofKind.ALERTS, status=_worst(each.status for each in found), sentence=source + "; ".join(said), numbers=numbers
    )
    return Judged(proof, tuple(_shown(span, role, record.routed_as(span)) for span, role in roles.items()))


@dataclass(frozen=True)
class _Found:
    status: ProofStatus
    sentence: str
    numbers: dict[str, float]


def _expected(subject: str, case: _Case, slos: Slos) -> _Found:
    """The page of one subject: that it came in time, and that it was over in time."""
    struck_s = case.windows.fault.start_s
    pages = [span for span in case.record.pages if span.subject == subject and span.start_s >= struck_s]
    if not pages and case.record.source is AlertSource.COMPUTED and subject in slos.file.services:
        sentence = f"whether {subject} would have paged is in no record of the load; Prometheus on the PATH would tell"
        return _Found(ProofStatus.UNKNOWN, sentence, {})
    if not pages:
        watched_s = case.record.until_s - struck_s
        return _Found(ProofStatus.REFUTED, f"nobody was paged for {subject} within {watched_s:.0f} s of the fault", {})
    fired_s = pages[0].start_s - struck_s
    limit_s = case.plan.within_ms / 1_000
    over = _over(pages, subject, case)
    late = fired_s > limit_s
    sentence = f"{subject} paged {fired_s:.1f} s after the fault struck" + (f", {limit_s:g} s are allowed" if late else "")
    return _Found(
        ProofStatus.REFUTED if late else over.status,
        f"{sentence} {over.sentence}",
        {f"{subject}_fired_s": round(fired_s, 3)} | over.numbers,
    )


def _over(pages: Sequence[AlertSpan], subject: str, case: _Case) -> _Found:
    """When the last page of a subject was over. While customers are not back it is to stand."""
    lifted_s, limit_s = case.windows.recovery.start_s, case.plan.clears_within_ms / 1_000
    ends_s = [span.end_s for span in pages]
    over_s = None if None in ends_s else max(end_s for end_s in ends_s if end_s is not None)
    back_s = case.back_s
    if over_s is not None:
        cleared_s = over_s - lifted_s
        numbers = {f"{subject}_cleared_s": round(cleared_s, 3)}
        if back_s is not None and over_s - back_s > limit_s:
            late = f"and was over only {over_s - back_s:.1f} s after customers were served as before, {limit_s:g} s are allowed"
            return _Found(ProofStatus.REFUTED, late, numbers)
        when = (
            f"{cleared_s:.1f} s after the fault was lifted"
            if cleared_s >= 0
            else f"{-cleared_s:.1f} s before the fault was lifted"
        )
        return _Found(ProofStatus.PROVEN, f"and was over {when}", numbers)
    if back_s is None:
        return _Found(ProofStatus.PROVEN, "and still stood at the end, as did the trouble of customers", {})
    watched_s = case.record.until_s - back_s
    stood = f"and still stood {watched_s:.1f} s after customers were served as before"
    return _Found(ProofStatus.REFUTED if watched_s > limit_s else ProofStatus.UNKNOWN, stood, {})


def _others(roles: Mapping[AlertSpan, AlertRole], case: _Case) -> _Found | None:
    """Pages that called somebody for nothing; those from before the fault are false alarms outright."""
    wrong = [span for span, role in roles.items() if role is AlertRole.UNEXPECTED and span.pages]
    if not wrong:
        return None
    early = [span for span in wrong if span.start_s < case.windows.fault.start_s]
    said = [f"false alarm before the fault: {_named(early)}"] if early else []
    late = [span for span in wrong if span not in early]
    if late:
        said.append(f"also paged: {_named(late)}")
    return _Found(ProofStatus.REFUTED, "; ".join(said), {})


def _contradicted(roles: Mapping[AlertSpan, AlertRole], record: AlertRecord) -> _Found | None:
    """Where Alertmanager did otherwise than its routes and its inhibition, computed here, say."""
    loud = [span for span, role in roles.items() if role is AlertRole.INHIBITED and record.routed_as(span) == "active"]
    mute = [span for span, role in roles.items() if role is AlertRole.EXPECTED and record.routed_as(span) == "suppressed"]
    said = [f"Alertmanager called for {_named(loud)}, which another page explains"] if loud else []
    said += [f"Alertmanager kept {_named(mute)} silent"] if mute else []
    return _Found(ProofStatus.REFUTED, "; ".join(said), {}) if said else None


def _role(span: AlertSpan, case: _Case) -> AlertRole:
    if not span.pages:
        return AlertRole.TICKET
    if span.start_s >= case.windows.fault.start_s:
        if span.subject in case.plan.page:
            return AlertRole.EXPECTED
        if span.subject in case.plan.may_page:
            return AlertRole.ALLOWED
    others = [each.standing for each in case.record.pages if each is not span]
    judged = replace(span.standing, start_s=max(span.start_s, case.windows.baseline.start_s))  # As everywhere, no warm-up.
    if not calls(judged, others, case.silenced) or _is_symptom(span, case):
        return AlertRole.INHIBITED
    return AlertRole.UNEXPECTED


def _is_symptom(span: AlertSpan, case: _Case) -> bool:
    """Whether a computed page would have been explained by that of a service, which cannot be computed."""
    if case.record.source is not AlertSource.COMPUTED or span.start_s < case.windows.fault.start_s:
        return False
    return any(span.subject in case.silenced[each].journeys for each in case.plan.page if each in case.silenced)


def _named(spans: Iterable[AlertSpan]) -> str:
    """`order (availability) at 27.1 s`, each subject and kind once."""
    first: dict[str, float] = {}
    for span in spans:
        name = f"{span.subject} ({span.kind})" if span.kind else f"{span.subject} ({span.alert})"
        first[name] = min(span.start_s, first.get(name, span.start_s))
    return ", ".join(f"{name} at {at_s:.1f} s" for name, at_s in sorted(first.items(), key=lambda each: each[1]))


def _worst(statuses: Iterable[ProofStatus]) -> ProofStatus:
    found = set(statuses)
    return next(each for each in (ProofStatus.REFUTED, ProofStatus.UNKNOWN, ProofStatus.PROVEN) if each in found)


def _shown(span: AlertSpan, role: AlertRole, routed: str) -> AlertResult:
    return AlertResult(
        alert=span.alert,
        severity=span.severity,
        scope=span.scope,
        subject=span.subject,
        kind=span.kind,
        start_s=span.start_s,
        end_s=span.end_s,
        role=role,
        routed=routed,
    )
