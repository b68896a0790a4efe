"""What an experiment's models cannot know alone: whether what it names exists, and could do what it says."""

from collections.abc import Iterable, Iterator, Mapping

from chaos.experiment.fault_plan import ProcessFaultPlan, SurgePlan
from chaos.experiment.in_force import InForce
from chaos.experiment.model import Experiment
from chaos.experiment.objectives import Objectives
from chaos.experiment.outcomes import Verdict
from chaos.experiment.reasons import Reason, lacking
from chaos.targets.errors import UnknownPlaceError
from chaos.targets.place import Place
from observability.slo.loader import Slos
from services.document import Document, Mistake, did_you_mean
from services.topology import Topology

Maps = Mapping[str, Topology]
"""What each arm runs on."""
JOURNEYS = ("browse", "order", "track", "review", "sign_in")
"""What the load generator knows how to do."""
EXPECTABLE = (Verdict.ISOLATED, Verdict.LEAKED)


def find_mistakes(document: Document, experiment: Experiment, maps: Maps, slos: Mapping[str, Slos]) -> list[Mistake]:
    """Everything in `experiment` that its maps or its own other parts contradict, with lines of `document`."""
    found = [
        *_load(document, experiment),
        *_pace(document, experiment),
        *(mistake for topology in maps.values() for mistake in _fault(document, experiment, topology)),
        *_arms(document, experiment, maps),
        *_objectives(document, experiment, maps),
        *_expectations(document, experiment),
        *_reasons(document, experiment, maps),
        *_alerts(document, experiment, slos),
    ]
    return list(dict.fromkeys(found))  # What is wrong in every arm is said once.


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


def _pace(document: Document, experiment: Experiment) -> Iterator[Mistake]:
    """What is stated in journeys a second would be another claim at another pace."""
    fault, objectives = experiment.fault, experiment.objectives
    absolute = {
        "fault.rate_per_s": isinstance(fault, SurgePlan) and fault.rate_per_s is not None,
        "objectives.goodput": objectives.goodput is not None,
    }
    for place, stated in absolute.items():
        if stated and experiment.load.slowest_pace < 1:
            problem = f"{place} is a rate of its own, which does not slow down with the load; leave slowest_pace out"
            yield document.mistake(("load", "slowest_pace"), problem)


def _fault(document: Document, experiment: Experiment, topology: Topology) -> Iterator[Mistake]:
    fault = experiment.fault
    if isinstance(fault, SurgePlan):
        yield from _surge(document, experiment, fault)
        return
    try:
        target = Place.parse(fault.target, topology)
    except UnknownPlaceError as error:
        yield document.mistake(("fault", "target"), str(error))
        return
    if isinstance(fault, ProcessFaultPlan) and target.edge:
        yield document.mistake(("fault", "target"), f"{fault.kind} acts on processes; name a service or a replica, not an edge")


def _surge(document: Document, experiment: Experiment, surge: SurgePlan) -> Iterator[Mistake]:
    load_per_s = experiment.load.rates_per_s.get(surge.journey)
    if load_per_s is None:
        yield document.mistake(("fault", "journey"), _unknown("journey", surge.journey, experiment.load.rates_per_s))
    elif surge.asked_per_s(load_per_s) <= load_per_s:
        problem = f"is no more than the load's {load_per_s} a second; a surge needs more"
        yield document.mistake(("fault", "rate_per_s"), problem)


def _arms(document: Document, experiment: Experiment, maps: Maps) -> Iterator[Mistake]:
    for arm, plan in experiment.arms.items():
        for index, text in enumerate(plan.without):
            try:
                maps[arm].switch(text)
            except ValueError as error:
                yield document.mistake(("arms", arm, "without", index), str(error))


def _objectives(document: Document, experiment: Experiment, maps: Maps) -> Iterator[Mistake]:
    objectives = experiment.objectives
    if not experiment.journeys.judged and objectives == Objectives():
        yield document.mistake(("journeys",), "judges nothing: name journeys under judged, or objectives")
    if objectives.recovery and not (experiment.journeys.judged or experiment.journeys.may_degrade):
        problem = "watches nobody: name journeys under judged or may_degrade; watched ones are too rare to tell"
        yield document.mistake(("objectives", "recovery"), problem)
    if objectives.goodput and objectives.goodput.journey not in experiment.load.rates_per_s:
        problem = _unknown("journey", objectives.goodput.journey, experiment.load.rates_per_s)
        yield document.mistake(("objectives", "goodput", "journey"), problem)
    for topology in maps.values():
        if objectives.amplification and objectives.amplification.edge not in topology.edges:
            problem = _unknown("edge", objectives.amplification.edge, topology.edges)
            yield document.mistake(("objectives", "amplification", "edge"), problem)


def _expectations(document: Document, experiment: Experiment) -> Iterator[Mistake]:
    for arm in experiment.arms:
        if arm not in experiment.expect:
            yield document.mistake(("expect",), f"says nothing about the arm {arm}; allowed: {', '.join(EXPECTABLE)}")
    for arm, verdict in experiment.expect.items():
        if arm not in experiment.arms:
            yield document.mistake(("expect", arm), _unknown("arm", arm, experiment.arms))
        if verdict not in EXPECTABLE:
            yield document.mistake(("expect", arm), f"{verdict} is no outcome to expect; allowed: {', '.join(EXPECTABLE)}")


def _reasons(document: Document, experiment: Experiment, maps: Maps) -> Iterator[Mistake]:
    for arm, reasons in experiment.because.items():
        if arm not in experiment.arms:
            yield document.mistake(("because", arm), _unknown("arm", arm, experiment.arms))
            continue
        for index, reason in enumerate(reasons):
            problem = _reason_problem(reason, experiment, arm, maps[arm])
            if problem:
                yield document.mistake(("because", arm, index, "edge"), problem)


def _alerts(document: Document, experiment: Experiment, slos: Mapping[str, Slos]) -> Iterator[Mistake]:
    for arm, plan in experiment.alerts.items():
        if arm not in experiment.arms:
            yield document.mistake(("alerts", arm), _unknown("arm", arm, experiment.arms))
            continue
        if arm not in slos:
            yield document.mistake(
                ("alerts", arm), "there are no objectives for this map (observability/slo.yaml), so nothing pages"
            )
            continue
        allowed = [*slos[arm].file.services, *slos[arm].journeys]
        for key, subjects in (("page", plan.page), ("may_page", plan.may_page)):
            for index, subject in enumerate(subjects):
                if subject not in allowed:
                    problem = _unknown("service or journey", subject, allowed)
                    yield document.mistake(("alerts", arm, key, index), problem)
                elif key == "may_page" and subject in plan.page:
                    yield document.mistake(("alerts", arm, key, index), f"{subject} is already under page")


def _reason_problem(reason: Reason, experiment: Experiment, arm: str, topology: Topology) -> str | None:
    """Why this could never be found in this arm; None when it could."""
    if reason.edge not in topology.edges:
        return _unknown("edge", reason.edge, topology.edges)
    plan = experiment.arms[arm]
    try:
        in_force = InForce.of(topology, plan.profile, plan.without)
    except ValueError:
        return None  # A switch that cannot be read is named where it stands.
    missing = lacking(reason, in_force)
    return f"there is no {missing} in the arm {arm}, so {reason.reason} could never be seen" if missing else None


def _unknown(what: str, name: str, allowed: Iterable[str]) -> str:
    names = list(allowed)
    return f"unknown {what} {name!r}; allowed: {', '.join(names)}{did_you_mean(name, names)}"
