"""Which alerts stood when, in an arm: as Prometheus kept it, or as computed from the load's record."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from observability.slo.inhibition import Standing
from observability.slo.windows import Severity

TOLD_WITHIN_S = 3.0
"""How soon Alertmanager knows what Prometheus found out, and what silences it: an evaluation, and a machine at work."""


class AlertSource(StrEnum):
    """Who says so."""

    PROMETHEUS = "prometheus"
    COMPUTED = "computed"


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AlertSpan(_Kept):
    """One alert from when it began to stand to when it was over: seconds from the schedule's start, below 0 before it."""

    alert: str
    severity: Severity
    state: Literal["pending", "firing"]
    scope: Literal["journey", "service"]
    subject: str = Field(description="the journey or the service")
    kind: str = Field(description="availability or latency; empty for an alert that is about neither")
    start_s: float
    end_s: float | None = Field(description="None: it stood at the end of the record")

    @property
    def pages(self) -> bool:
        """Whether it is there to call somebody now."""
        return self.severity is Severity.PAGE and self.state == "firing"

    @property
    def standing(self) -> Standing:
        """For the arithmetic of who explains whom."""
        return Standing(self.alert, self.scope, self.subject, self.start_s, float("inf") if self.end_s is None else self.end_s)


class RoutedAlert(_Kept):
    """One alert as Alertmanager held it at one moment: whom it would have called, and whom it kept silent."""

    alert: str
    subject: str
    kind: str
    severity: Severity
    state: str = Field(description="active, suppressed or unprocessed")


class AlertRecord(_Kept):
    """alerts.json of an arm."""

    source: AlertSource
    until_s: float = Field(description="when the record ends: seconds from the schedule's start")
    spans: tuple[AlertSpan, ...]
    routed: tuple[RoutedAlert, ...] = Field(default=(), description="as Alertmanager held them at `routed_at_s`")
    routed_at_s: float | None = Field(default=None, description="shortly before the fault was lifted; None: it was not asked")

    @property
    def pages(self) -> tuple[AlertSpan, ...]:
        """Those that are there to call somebody now, in the order in which they fired."""
        return tuple(sorted((span for span in self.spans if span.pages), key=lambda span: (span.start_s, span.subject)))

    def routed_as(self, span: AlertSpan) -> str:
        """How Alertmanager held an alert (RoutedAlert.state); empty when it was not asked, or did not have to know of it yet."""
        at_s, end_s = self.routed_at_s, float("inf") if span.end_s is None else span.end_s
        if at_s is None or not span.start_s + TOLD_WITHIN_S <= at_s < end_s:
            return ""
        same = (span.alert, span.subject, span.kind, span.severity)
        return next((each.state for each in self.routed if (each.alert, each.subject, each.kind, each.severity) == same), "")
