"""What `verdict.json` holds: everything that an experiment found, frozen.

The report, the JUnit file and the last screen are drawn from a `Result` (and the arms' trace files) and from nothing else.
Times ending in `_at` are Unix seconds; times ending in `_s` count from the first instant of the arm's load schedule.
Shares are between 0 and 1. A quantile over no journeys is None.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from chaos.experiment.circumstances import Machine, Rehearsal
from chaos.experiment.finding import Finding
from chaos.experiment.outcomes import AlertRole, Holding, ObjectiveKind, ObjectiveStatus, ProofKind, ProofStatus, Role, Verdict

VERDICT_FILE = "verdict.json"
TRACE_FILE = "trace.json"
"""In an arm's folder: the picked degraded trace, in the envelope of Jaeger's legacy API (`{"data": [trace], ...}`)."""


Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#]+$", max_length=300)]
"""Root of a program's pages. A report makes links of it, so nothing but the web is let in."""


class Proof(Finding):
    """One proof: its status, one sentence with its numbers for people, and the numbers (units last in their names)."""

    kind: ProofKind
    status: ProofStatus
    sentence: str
    numbers: dict[str, float] = Field(default_factory=dict)


class Interval(Finding):
    """A two-sided confidence interval; `confidence` 0.9 means that each end alone is a 95 % bound."""

    low: float
    high: float
    confidence: float


class WindowStats(Finding):
    """The journeys whose intended instant lies in one window."""

    journeys: int
    succeeded: int
    degraded: int = Field(description="journeys with at least one answer marked degraded")
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None

    @property
    def success(self) -> float | None:
        """Share of journeys that succeeded."""
        return self.succeeded / self.journeys if self.journeys else None

    @property
    def degraded_share(self) -> float | None:
        """Share of journeys that were served degraded."""
        return self.degraded / self.journeys if self.journeys else None


class Comparison(Finding):
    """A judged journey's fault window against its baseline window. A positive drop or increase is a worsening."""

    margin: float = Field(description="the drop in the share of successes that is still held to be none")
    drop: float = Field(description="baseline's share of successes less the fault window's")
    drop_interval: Interval = Field(description="Newcombe's, on n divided by the design effect")
    drop_p_value: float = Field(description="one-sided, of a drop above the margin; adjusted by Holm")
    design_effect_baseline: float
    design_effect_fault: float
    p95_bound_ms: float = Field(description="the increase of p95 that is still held to be none")
    p95_increase_ms: float | None
    p95_increase_interval: Interval | None = Field(description="moving-block bootstrap")
    p95_p_value: float | None = Field(description="one-sided, of an increase above the bound; adjusted by Holm")
    journeys_needed: int | None = Field(description="in each window, for a decision at the rates seen; None if decided")


class JourneyResult(Finding):
    """One journey in one arm."""

    name: str
    role: Role
    baseline: WindowStats
    fault: WindowStats
    recovery: WindowStats
    straddling: int = Field(description="begun in the fault window and still open when the fault was lifted; counted in it")
    comparison: Comparison | None
    holding: Holding
    sentence: str


class ObjectiveResult(Finding):
    """One objective in one arm."""

    kind: ObjectiveKind
    subject: str = Field(description="the edge or the journey it is about; empty when it is about the whole arm")
    status: ObjectiveStatus
    bound: float = Field(description="attempts a call at most, journeys a second at least, or seconds at most")
    measured: float | None = Field(description="in the unit of the bound; None when there was nothing to measure")
    interval: Interval | None = Field(description="None for what was watched as a whole, or was not measured")
    p_value: float | None = Field(description="one-sided, of a violation; adjusted by Holm together with the journeys")
    sentence: str
    numbers: dict[str, float] = Field(default_factory=dict)


class JourneySeries(Finding):
    """One journey second by second; every column has one entry for each second of the schedule, by intended instant."""

    name: str
    arrivals: tuple[int, ...]
    succeeded: tuple[int, ...]
    degraded: tuple[int, ...]
    p50_ms: tuple[float | None, ...]
    p95_ms: tuple[float | None, ...]


class PhaseSpan(Finding):
    """When a phase was, in the arm's schedule and on the wall clock."""

    name: Literal["warmup", "baseline", "fault", "recovery"]
    start_s: float
    end_s: float
    started_at: float
    ended_at: float


class FaultSpan(Finding):
    """The fault as it was really in force, which is milliseconds off the phase's marks."""

    kind: str
    target: str
    description: str = Field(description="such as `every replica of deliveries killed and kept down`")
    applied_s: float
    lifted_s: float
    leases: tuple[str, ...]


class LoadQuality(Finding):
    """Whether the load was delivered as scheduled, and how busy the machine was meanwhile."""

    arrivals: int
    sent: int
    completed: int
    abandoned: int
    skipped: int = Field(description="had nothing to do, such as no order to track yet; never sent")
    dropped: int = Field(description="never sent: more in flight than the generator holds. Any makes the arm INVALID")
    lateness_p50_ms: float
    lateness_p99_ms: float
    lateness_max_ms: float
    arrivals_sha256: str = Field(description="of every (journey, intended instant); equal for arms that saw the same load")
    cpu_mean_percent: float | None = Field(description="of all cores, over baseline and fault; None where it is not measured")
    cpu_max_percent: float | None = Field(description="the busier of the two windows")


class Recovery(Finding):
    """How long after the lift every journey was back, undegraded, and stayed so."""

    recovered: bool
    after_s: float | None = Field(description="None when it had not recovered by the end of the arm")
    last_journey: str | None = Field(description="the journey that was back last")


class AlertResult(Finding):
    """One alert that fired in one arm, by the demonstration's windows."""

    alert: str
    severity: Literal["page", "ticket"]
    scope: Literal["journey", "service"]
    subject: str = Field(description="the journey or the service")
    kind: str = Field(description="availability or latency; empty for an alert that is about neither")
    start_s: float
    end_s: float | None = Field(description="None: it stood when the load ended")
    role: AlertRole
    routed: str = Field(
        default="", description="as Alertmanager held it shortly before the lift: active or suppressed; empty: not"
    )


class TracePick(Finding):
    """The degraded journey shown as an example; the trace itself is in the arm's folder (TRACE_FILE)."""

    trace_id: str
    journey: str
    intended_s: float
    elapsed_ms: float
    spans: int
    services: tuple[str, ...]


class ArmResult(Finding):
    """Everything found in one arm."""

    name: str
    profile: str
    without: tuple[str, ...]
    changes: tuple[str, ...] = Field(description="what this arm alone changes in the map, such as edges.orders->payments.breaker")
    phases: tuple[PhaseSpan, ...]
    fault: FaultSpan | None = Field(description="None if the arm ended before its fault was applied")
    load: LoadQuality
    journeys: tuple[JourneyResult, ...]
    objectives: tuple[ObjectiveResult, ...]
    series: tuple[JourneySeries, ...]
    proofs: tuple[Proof, ...] = Field(description="six, in the order of ProofKind")
    recovery: Recovery
    alerts: tuple[AlertResult, ...] = Field(default=(), description="as Prometheus kept them, or computed (see the proof)")
    verdict: Verdict
    reasons: tuple[str, ...] = Field(description="one sentence each: why this verdict")
    expected: Verdict
    met: bool = Field(description="the verdict is the expected one and no proof that it rests on was refuted")
    trace: TracePick | None
    addresses: dict[str, Address] = Field(
        default_factory=dict, description="of pages that outlive the arm: grafana, traces, prometheus, alertmanager"
    )

    def journey(self, name: str) -> JourneyResult:
        """The journey called `name`. Raises KeyError when the load had none of it."""
        for journey in self.journeys:
            if journey.name == name:
                return journey
        raise KeyError(name)

    def proof(self, kind: ProofKind) -> Proof:
        """The proof of `kind`; every arm has all six."""
        return next(proof for proof in self.proofs if proof.kind is kind)


class ExperimentSummary(Finding):
    """What was asked. The file itself is kept in the run's folder as experiment.yaml."""

    name: str
    title: str
    hypothesis: str
    description: str
    rates_per_s: dict[str, float] = Field(description="journeys a second, by journey, at the pace of the run")
    fault: str = Field(description="in words, such as `kill deliveries`")
    scale: float = Field(description="1, or less when phases were shortened for a smoke run")
    pace: float = Field(
        default=1.0,
        description="1, or less: customers came so many times as often as the file says, in phases 1/pace times as long",
    )
    rehearsal: Rehearsal | None = Field(default=None, description="why the pace is not 1; None: it is, or was asked for")


class Result(Finding):
    """What a run found, and whether it is what the experiment expected."""

    format: Literal[1] = 1
    run_id: str
    experiment: ExperimentSummary
    seed: int
    started_at: float
    took_s: float = Field(description="from the first process started to the last one stopped")
    versions: dict[str, str] = Field(description="of Firebreak and of the packages that shape its figures")
    machine: Machine
    arms: tuple[ArmResult, ...] = Field(description="in the order of the experiment file")
    order: tuple[str, ...] = Field(description="arm names in the order in which they ran, drawn from the seed")
    same_arrivals: bool = Field(description="every arm saw the same arrivals")
    passed: bool
    sentence: str

    def arm(self, name: str) -> ArmResult:
        """The arm called `name`. Raises KeyError when it was not run."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise KeyError(name)

    def write(self, path: Path) -> None:
        """Writes verdict.json whole or not at all. Raises OSError when the disk refuses."""
        temporary = path.with_name(f"{path.name}.new")
        try:
            temporary.write_text(self.model_dump_json(indent=1), encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    @classmethod
    def read(cls, path: Path) -> "Result":
        """The result at `path`. Raises OSError or ValueError when there is none to read."""
        return cls.model_validate_json(path.read_bytes())
