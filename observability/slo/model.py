"""What slo.yaml holds: for each journey and each service how much of what is asked must go well, and how fast."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from observability.metrics import BUCKETS_S
from observability.slo.windows import PRODUCTION
from services.document import Frozen
from services.duration import DurationMs, format_duration_ms

LOWEST_PERCENT = 95.0
"""Below 93.1 % even an outage burns the budget less than 14.4 times as fast as it may, and nobody would ever be called."""
MAX_JOURNEYS = 50


def _boundary(value_ms: float) -> float:
    """Only what a histogram counts apart can be asked of it. Raises ValueError with what can."""
    if value_ms / 1_000 not in BUCKETS_S:
        allowed = ", ".join(format_duration_ms(bound_s * 1_000) for bound_s in BUCKETS_S)
        raise ValueError(f"{format_duration_ms(value_ms)} is no boundary of the histograms; allowed: {allowed}")
    return value_ms


def _period(value_ms: float) -> float:
    """Raises ValueError for one that the windows of production do not fit into, or that is not of whole seconds."""
    longest_s = max(row.long_s for row in PRODUCTION.rows)
    if value_ms <= longest_s * 1_000 or value_ms % 1_000:
        longest, stated = format_duration_ms(longest_s * 1_000), format_duration_ms(value_ms)
        raise ValueError(f"{stated} is no period; allowed: whole seconds, more than the longest window, {longest}")
    return value_ms


Percent = Annotated[float, Field(ge=LOWEST_PERCENT, lt=100)]
ThresholdMs = Annotated[DurationMs, AfterValidator(_boundary)]
PeriodMs = Annotated[DurationMs, AfterValidator(_period)]
Step = Annotated[str, Field(pattern=r"""^(GET|POST|PUT|PATCH|DELETE) /[^\s"\\]*$""")]
"""A request to the entry by method and route, as its metrics have them: `GET /v1/orders/{order_id}`."""


class Availability(Frozen):
    """Share of what is asked that must be answered, and not by an error."""

    objective: Percent


class Latency(Frozen):
    """Share of what is answered well that must be answered within the threshold."""

    objective: Percent
    threshold_ms: ThresholdMs


class ServiceObjectives(Frozen):
    """Of one service, as its callers see it."""

    availability: Availability
    latency: Latency


class JourneyObjectives(Frozen):
    """Of one journey, as the entry answers its steps."""

    needs: tuple[str, ...] = ()
    """Services behind the entry without which it cannot be what it should be: their alerts explain its own."""
    steps: dict[str, Step] = Field(min_length=1)
    """By the name that the load generator records."""
    availability: Availability
    latency: Latency


class SloFile(Frozen):
    """The whole file."""

    period_ms: PeriodMs
    """Over which a budget is spent."""
    journeys: dict[str, JourneyObjectives] = Field(default_factory=dict, max_length=MAX_JOURNEYS)
    services: dict[str, ServiceObjectives] = Field(default_factory=dict)


class Kind(StrEnum):
    """What an objective is about."""

    AVAILABILITY = "availability"
    LATENCY = "latency"


@dataclass(frozen=True)
class Slo:
    """One objective. `threshold_s` is how long an answer may take; for availability, for how long a silence says nothing."""

    scope: Literal["journey", "service"]
    subject: str
    kind: Kind
    objective: float
    threshold_s: float

    @property
    def name(self) -> str:
        """Such as `order-latency`."""
        return f"{self.subject}-{self.kind}"

    @property
    def budget(self) -> float:
        """Share of what is asked that may go wrong."""
        return round(1 - self.objective, 9)

    @property
    def labels(self) -> dict[str, str]:
        """What every series and alert of this objective carries."""
        return {"slo": self.name, "kind": str(self.kind), self.scope: self.subject}


def slos_of(file: SloFile) -> Iterator[Slo]:
    """Every objective, journeys first."""
    for subject, journey in file.journeys.items():
        yield from _two("journey", subject, journey)
    for subject, service in file.services.items():
        yield from _two("service", subject, service)


def _two(scope: Literal["journey", "service"], subject: str, stated: JourneyObjectives | ServiceObjectives) -> Iterator[Slo]:
    threshold_s = stated.latency.threshold_ms / 1_000
    yield Slo(scope, subject, Kind.AVAILABILITY, stated.availability.objective / 100, threshold_s)
    yield Slo(scope, subject, Kind.LATENCY, stated.latency.objective / 100, threshold_s)
