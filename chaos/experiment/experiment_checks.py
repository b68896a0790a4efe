"""What an experiment's models cannot know alone: whether what it names exists, and could do what it says."""

import difflib
from collections.abc import Iterable, Iterator

from chaos.experiment.fault_plan import ProcessFaultPlan
from chaos.experiment.model import Experiment, Reason, ReasonKind
from chaos.experiment.result import Verdict
from chaos.targets.errors import UnknownPlaceError
from chaos.targets.place import Place
from services.document import Document, Mistake
from services.policy import EdgePolicy, FallbackKind, Profile, effective_policy
from services.topology import Topology

JOURNEYS = ("browse", "order", "track", "sign_in")
"""What the load generator knows how to do."""
EXPECTABLE = (Verdict.ISOLATED, Verdict.LEAKED)


def find_mistakes(document: Document, experiment: Experiment, topology: Topology) -> list[Mistake]:
    """Everything in `experiment` that its topology or its own other parts contradict, with lines of `document`."""
    return [
        *_load(document, experiment),
        *_fault(document, experiment, topology),
        *_arms(document, experiment, topology),
        *_expectations(document, experiment),
        *_reasons(document, experiment, topology),
    ]


def _load(document: Document, experiment: Experiment) -> Iterator[Mistake]:
    for journey in experiment.load.rates_per_s:
        if journey not in JOURNEYS:
            yield document.mistake(("load", "rates_per_s", journey), _unknown("journey", journey, JOURNEYS))
    named: dict[str, str] = {}
    for role in ("judged", "may_degrade", "watched"):
        for index, journey in enumerate(getattr(experiment.journeys, role)):
            location = ("journeys", role, journey if role == "judged" else index)
            if journey not in experiment.load.rates_per_s:
                yield document.mistake(location, _unknown("journey", journey, experiment.load.rates_per_s))
            elif journey in named:
                yield document.mistake(location, f"{journey} is already among {named[journey]}")
            named[journey] = role
    for journey in experiment.load.rates_per_s:
        if journey not in named:
            problem = "has a rate but no role; name it under journeys: judged, may_degrade or watched"
            yield document.mistake(("load", "rates_per_s", journey), problem)


def _fault(document: Document, experiment: Experiment, topology: Topology) -> Iterator[Mistake]:
    fault = experiment.fault
    try:
        target = Place.parse(fault.target, topology)
    except UnknownPlaceError as error:
        yield document.mistake(("fault", "target"), str(error))
        return
    if isinstance(fault, ProcessFaultPlan) and target.edge:
        yield document.mistake(("fault", "target"), f"{fault.kind} acts on processes; name a service or a replica, not an edge")


def _arms(document: Document, experiment: Experiment, topology: Topology) -> Iterator[Mistake]:
    for arm, plan in experiment.arms.items():
        for index, text in enumerate(plan.without):
            try:
                topology.switch(text)
            except ValueError as error:
                yield document.mistake(("arms", arm, "without", index), str(error))


def _expectations(document: Document, experiment: Experiment) -> Iterator[Mistake]:
    for arm in experiment.arms:
        if arm not in experiment.expect:
            yield document.mistake(("expect",), f"says nothing about the arm {arm}; allowed: {', '.join(EXPECTABLE)}")
    for arm, verdict in experiment.expect.items():
        if arm not in experiment.arms:
            yield document.mistake(("expect", arm), _unknown("arm", arm, experiment.arms))
        if verdict not in EXPECTABLE:
            yield document.mistake(("expect", arm), f"{verdict} is no outcome to expect; allowed: {', '.join(EXPECTABLE)}")


def _reasons(document: Document, experiment: Experiment, topology: Topology) -> Iterator[Mistake]:
    for arm, reasons in experiment.because.items():
        if arm not in experiment.arms:
            yield document.mistake(("because", arm), _unknown("arm", arm, experiment.arms))
            continue
        for index, reason in enumerate(reasons):
            problem = _reason_problem(reason, experiment, arm, topology)
            if problem:
                yield document.mistake(("because", arm, index, "edge"), problem)


def _reason_problem(reason: Reason, experiment: Experiment, arm: str, topology: Topology) -> str | None:
    """Why this could never be found in this arm; None when it could."""
    if reason.edge not in topology.edges:
        return _unknown("edge", reason.edge, topology.edges)
    try:
        policy = _arm_policy(experiment, arm, reason.edge, topology)
    except ValueError:
        return None  # A switch that cannot be read is named where it stands.
    possible = {
        ReasonKind.BREAKER_OPENED: policy.breaker is not None,
        ReasonKind.FALLBACK_SERVED: policy.fallback is not None,
        ReasonKind.CAUGHT_UP: policy.fallback is not None and policy.fallback.kind is FallbackKind.DEFER,
    }
    if possible[reason.reason]:
        return None
    lacking = "breaker" if reason.reason is ReasonKind.BREAKER_OPENED else "fallback"
    kind = " of kind defer" if reason.reason is ReasonKind.CAUGHT_UP else ""
    return f"{reason.edge} has no {lacking}{kind} in the arm {arm}, so {reason.reason} could never be seen"


def _arm_policy(experiment: Experiment, arm: str, edge: str, topology: Topology) -> EdgePolicy:
    """What protects `edge` in `arm`. Raises ValueError for a switch that is none."""
    plan = experiment.arms[arm]
    switches = tuple(topology.switch(text) for text in plan.without)
    return effective_policy(topology.edges[edge], edge, Profile(plan.profile), switches)


def _unknown(what: str, name: str, allowed: Iterable[str]) -> str:
    names = list(allowed)
    close = difflib.get_close_matches(name, names, n=1)
    return f"unknown {what} {name!r}; allowed: {', '.join(names)}" + (f" (did you mean {close[0]}?)" if close else "")
