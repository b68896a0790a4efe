"""An experiment as its YAML states it: one hypothesis, the load, the fault, and what is expected of each arm.

Durations carry their unit in the file. What no model can know alone (whether a service exists) is checked in `experiment_file`.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from chaos.experiment.alert_plan import AlertPlan, StatedAlerts, derived_plan
from chaos.experiment.fault_plan import FaultPlan
from chaos.experiment.objectives import Objectives
from chaos.experiment.outcomes import Role, Verdict
from chaos.experiment.reasons import Reason
from services.document import Frozen
from services.duration import DurationMs
from services.policy import Profile

MAX_PHASE_MS = 600_000.0
MAX_JOURNEYS_PER_S = 1_000
MIN_PACE = 0.1
"""Ten times as long is as long as anybody waits for a minute of phases."""
SHORTEST_PHASE_MS = 1_000.0
"""One block of the statistics: a shorter window has nothing to estimate from."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,30}$")]
"""Of an arm or a journey: lower-case letters, digits, dashes and underscores."""
PhaseMs = Annotated[DurationMs, Field(ge=SHORTEST_PHASE_MS, le=MAX_PHASE_MS)]


class Load(Frozen):
    """The open-loop load: how many journeys of each kind begin every second."""

    rates_per_s: dict[Name, Annotated[int, Field(ge=1, le=MAX_JOURNEYS_PER_S)]] = Field(min_length=1, max_length=20)
    customers: Annotated[int, Field(ge=1, le=1_000)] = 20
    """How many sign in before the load starts; the journeys share their tokens."""
    slowest_pace: Annotated[float, Field(ge=MIN_PACE, le=1)] = 1.0
    """How many times as often customers may come on a machine that is too slow; below 1 only where rates are not the point."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.total_per_s > MAX_JOURNEYS_PER_S:
            raise ValueError(
                f"the rates add up to {self.total_per_s} journeys a second; at most {MAX_JOURNEYS_PER_S} are allowed"
            )
        return self

    @property
    def total_per_s(self) -> int:
        """Journeys begun a second, of all kinds."""
        return sum(self.rates_per_s.values())


class Phases(Frozen):
    """How long an arm spends in each phase, in this order."""

    warmup_ms: PhaseMs = 5_000.0
    baseline_ms: PhaseMs = 20_000.0
    fault_ms: PhaseMs = 20_000.0
    recovery_ms: PhaseMs = 15_000.0

    def scaled(self, factor: float) -> "Phases":
        """Phases `factor` times as long, none below the shortest possible."""
        return Phases.model_construct(**{name: max(SHORTEST_PHASE_MS, round(value * factor)) for name, value in self})

    def marks_s(self) -> tuple[float, float, float, float, float]:
        """Where the phases begin, and where the last one ends: seconds from the schedule's start."""
        marks = [0.0]
        for length_ms in (self.warmup_ms, self.baseline_ms, self.fault_ms, self.recovery_ms):
            marks.append(marks[-1] + length_ms / 1_000)
        return (marks[0], marks[1], marks[2], marks[3], marks[4])


class Judged(Frozen):
    """What a journey may lose in the fault window and still be held not to have suffered."""

    margin_pp: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Percentage points of success; one is what a reader would not call an outage."""
    p95_increase_ms: DurationMs = 250.0


class Journeys(Frozen):
    """Which journeys the hypothesis speaks of, and how."""

    judged: dict[Name, Judged] = Field(default_factory=dict)
    may_degrade: tuple[Name, ...] = ()
    watched: tuple[Name, ...] = ()

    def roles(self) -> dict[str, Role]:
        """The role of every journey named here."""
        return (
            dict.fromkeys(self.judged, Role.JUDGED)
            | dict.fromkeys(self.may_degrade, Role.MAY_DEGRADE)
            | dict.fromkeys(self.watched, Role.WATCHED)
        )


class SystemChange(Frozen):
    """A part of a map (services.topology) that is laid over the whole; what it may hold is checked there."""

    services: dict[str, object] = Field(default_factory=dict)
    edges: dict[str, object] = Field(default_factory=dict)
    events: dict[str, object] = Field(default_factory=dict)

    def places(self) -> tuple[str, ...]:
        """What is changed, each as a path of keys: `edges.orders->payments.breaker`."""
        kinds = {"services": self.services, "edges": self.edges, "events": self.events}
        return tuple(
            f"{kind}.{name}.{key}" if key else f"{kind}.{name}"
            for kind, changed in kinds.items()
            for name, value in changed.items()
            for key in (value if isinstance(value, dict) and value else ("",))
        )


class ArmPlan(Frozen):
    """One way to run the system under the same load and fault."""

    profile: Profile
    without: tuple[str, ...] = ()
    system: SystemChange | None = None
    """What this arm alone changes in the map; profile and switches apply to the result."""


class Bounds(Frozen):
    """Beyond these an arm is INVALID (or, with too few journeys, INCONCLUSIVE), whatever it showed."""

    machine_cpu_percent: Annotated[float, Field(gt=0, le=100)] = 85.0
    lateness_p99_ms: DurationMs = 10.0
    min_journeys: Annotated[int, Field(ge=10, le=1_000_000)] = 400
    """Of each judged kind, in each of the two windows. With no failure among 400, the 95 % bound of the drop is 0.7 points."""
    baseline_success_percent: Annotated[float, Field(gt=0, le=100)] = 99.0
    settle_ms: DurationMs = 10_000.0
    """How long after the load a system may take to catch up, before an unmet invariant counts."""


class Experiment(Frozen):
    """One hypothesis and how it is put to the test."""

    title: Annotated[str, Field(min_length=1, max_length=120)]
    hypothesis: Annotated[str, Field(min_length=1, max_length=1_000)]
    description: Annotated[str, Field(max_length=5_000)] = ""
    topology: str | None = None
    """Path of another map than FeastFast's, relative to the experiment's file."""
    system: SystemChange | None = None
    """What every arm changes in the map."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)]
    load: Load
    phases: Phases = Phases()
    fault: FaultPlan
    journeys: Journeys
    objectives: Objectives = Objectives()
    arms: dict[Name, ArmPlan] = Field(min_length=1, max_length=8)
    because: dict[Name, tuple[Reason, ...]] = Field(default_factory=dict)
    expect: dict[Name, Verdict]
    alerts: dict[Name, StatedAlerts] = Field(default_factory=dict)
    """Of each arm; one that is not named is held to what `alert_plan` derives from the fault, and only told of it."""
    bounds: Bounds = Bounds()

    @property
    def judged(self) -> dict[str, Judged]:
        """Judged journeys by name."""
        return self.journeys.judged

    def alert_plan(self, arm: str) -> AlertPlan | None:
        """What is expected of the alerts of an arm: as stated, or as follows from the fault; None if neither is known."""
        return self.alerts[arm] if arm in self.alerts else derived_plan(self.fault)
