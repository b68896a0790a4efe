"""`testbed policy` for programs."""

import json

from services.policy.change import Change
from testbed.policies.survey import ChangeInForce, PolicySurvey
from testbed.policies.target import Made, Reset


def survey_json(survey: PolicySurvey, place: str | None = None) -> str:
    """What is declared and in force, by process, at every place or at one; and the changes it comes from."""
    document = {
        "profile": survey.system.profile,
        "without": survey.system.without,
        "places": {each: _place(survey, each) for each in ((place,) if place else (*survey.edges, *survey.services))},
        "changes": [_change(each) for each in survey.changes(place)],
        "silent": survey.silent,
    }
    return json.dumps(document, indent=1)


def made_json(change: Change, made: Made, lease_ms: float) -> str:
    """A change that was made."""
    return json.dumps({"id": made.id, "change": change.model_dump(), "lease_ms": lease_ms, "instances": made.instances}, indent=1)


def reset_json(reset: Reset) -> str:
    """What a reset ended."""
    return json.dumps({"ended": reset.ended, "silent": reset.silent}, indent=1)


def _place(survey: PolicySurvey, place: str) -> dict[str, object]:
    groups = survey.in_force(place)
    in_force = {instance: dict(group.parameters) for group in groups for instance in group.instances}
    return {"declared": dict(survey.declared(place)), "in_force": in_force}


def _change(each: ChangeInForce) -> dict[str, object]:
    change = each.change.model_dump()
    return {"id": each.id, "change": change, "left_ms": dict(each.left_ms), "missing": each.missing, "source": each.source}
