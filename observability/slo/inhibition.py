"""Which alerts call somebody, and which another one explains: what Alertmanager does with its compiled routes, as arithmetic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from observability.slo.alertmanager import GROUP_WAIT_S, SYMPTOMS
from observability.slo.dependencies import Silenced


@dataclass(frozen=True)
class Standing:
    """A page, from when it fired to when it cleared (infinity: not yet)."""

    alert: str
    scope: Literal["journey", "service"]
    subject: str
    start_s: float
    end_s: float


def calls(alert: Standing, others: Sequence[Standing], silenced: Mapping[str, Silenced]) -> bool:
    """Whether somebody is called: nothing explained it for as long as a group of alerts waits."""
    causes = sorted((each.start_s, each.end_s) for each in others if _explains(each, alert, silenced))
    alone_since_s = alert.start_s
    for start_s, end_s in causes:
        if min(start_s, alert.end_s) - alone_since_s >= GROUP_WAIT_S:
            return True
        alone_since_s = max(alone_since_s, end_s)
    return alert.end_s - alone_since_s >= GROUP_WAIT_S


def _explains(cause: Standing, alert: Standing, silenced: Mapping[str, Silenced]) -> bool:
    if alert.alert not in SYMPTOMS or cause.scope != "service" or cause.subject not in silenced:
        return False
    by = silenced[cause.subject]
    return alert.subject in (by.services if alert.scope == "service" else by.journeys)
