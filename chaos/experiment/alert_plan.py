"""What an experiment expects of the alerts: who is paged for, how soon, and how soon that is over."""

from typing import Annotated

from pydantic import BeforeValidator

from chaos.experiment.fault_plan import FaultPlan, SurgePlan
from services.document import Frozen
from services.duration import DurationMs

NO_PAGE = "none"


class AlertPlan(Frozen):
    """Services and journeys (observability/slo.yaml) of one arm. What is named nowhere must not page, unless it is explained."""

    page: tuple[str, ...] = ()
    may_page: tuple[str, ...] = ()
    """Where theory does not say whether it burns enough."""
    within_ms: DurationMs = 10_000.0
    """From the fault until the page."""
    clears_within_ms: DurationMs = 15_000.0
    """From when customers are served as before until the page is over."""


def _none_is_empty(value: object) -> object:
    return {} if value == NO_PAGE else value


StatedAlerts = Annotated[AlertPlan, BeforeValidator(_none_is_empty)]
"""As a file states it: a mapping, or `none`."""


def derived_plan(fault: FaultPlan) -> AlertPlan | None:
    """Where an experiment says nothing, the service that is hurt is to page. None for a surge, which hurts nobody."""
    if isinstance(fault, SurgePlan):
        return None
    place = fault.target.rpartition("->")[2]
    return AlertPlan(page=(place.partition("/")[0],))
