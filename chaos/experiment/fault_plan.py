"""The fault of an experiment, as its YAML states it: what kind, at what, how strongly."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from chaos.faults import Abort, AnyFault, Error, Hang, Latency, Partition
from services.document import Frozen
from services.duration import DurationMs


class _FaultPlan(Frozen):
    target: Annotated[str, Field(min_length=1)]


class ProcessFaultPlan(_FaultPlan):
    """Processes die (SIGKILL, kept down) or stand still (SIGSTOP); their keeper does it."""

    kind: Literal["kill", "pause"]

    def __str__(self) -> str:
        return f"{self.kind} {self.target}"


class _RequestFaultPlan(_FaultPlan):
    counted: ClassVar[str] = "requests"
    """What its leases see and hit."""
    rate: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the requests that are hit."""

    def request_fault(self) -> AnyFault:
        """The fault as the target's lease table takes it."""
        raise NotImplementedError

    def __str__(self) -> str:
        share = f" on {self.rate:.0%} of requests" if self.rate < 1 else ""
        return f"{self.request_fault()} at {self.target}{share}"


class LatencyPlan(_RequestFaultPlan):
    """Answers come later."""

    kind: Literal["latency"]
    latency_ms: DurationMs
    jitter_ms: DurationMs | None = None

    @model_validator(mode="after")
    def _possible(self) -> "LatencyPlan":
        self.request_fault()
        return self

    def request_fault(self) -> Latency:
        """See the base class."""
        return Latency(latency_ms=self.latency_ms, jitter_ms=self.jitter_ms or 0.0)


class ErrorPlan(_RequestFaultPlan):
    """Answers are errors."""

    kind: Literal["error"]
    status: Annotated[int, Field(ge=400, le=599)] = 503

    def request_fault(self) -> Error:
        """See the base class."""
        return Error(status=self.status)


class AbortPlan(_RequestFaultPlan):
    """Connections are cut."""

    kind: Literal["abort"]

    def request_fault(self) -> Abort:
        """See the base class."""
        return Abort()


class HangPlan(_RequestFaultPlan):
    """Requests are accepted and not answered."""

    kind: Literal["hang"]

    def request_fault(self) -> Hang:
        """See the base class."""
        return Hang()


class PartitionPlan(_RequestFaultPlan):
    """The network loses every packet between the target and everybody else."""

    counted: ClassVar[str] = "requests, calls and answers"

    kind: Literal["partition"]

    @model_validator(mode="after")
    def _whole(self) -> "PartitionPlan":
        if self.rate < 1:
            raise ValueError("a partition loses every packet, so it has no rate; kind abort takes one")
        return self

    def request_fault(self) -> Partition:
        """See the base class."""
        return Partition()


class SurgePlan(Frozen):
    """More customers come: nothing is done to the system, so there is no target and no lease.

    Either `factor` times as many of a journey as the load has, or `rate_per_s` of it in all. What comes on top is a stream of
    its own, drawn from the seed, so that every other arrival stays where it was.
    """

    kind: Literal["surge"]
    journey: str
    factor: Annotated[float, Field(gt=1, le=100)] | None = None
    rate_per_s: Annotated[float, Field(gt=0, le=1_000)] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "SurgePlan":
        if (self.factor is None) == (self.rate_per_s is None):
            raise ValueError("a surge needs one of factor (times the load's rate) and rate_per_s (in all)")
        return self

    def asked_per_s(self, load_per_s: float) -> float:
        """Arrivals of the journey while it lasts, where the load has `load_per_s` of it."""
        return load_per_s * self.factor if self.factor is not None else self.rate_per_s or 0.0

    def __str__(self) -> str:
        return f"surge of {self.journey} to {self._strength}"

    @property
    def _strength(self) -> str:
        return f"{self.factor:g} times as many" if self.factor is not None else f"{self.rate_per_s:g} a second"


RequestFaultPlan = LatencyPlan | ErrorPlan | AbortPlan | HangPlan | PartitionPlan
FaultPlan = Annotated[ProcessFaultPlan | RequestFaultPlan | SurgePlan, Field(discriminator="kind")]
"""Any fault of an experiment, told apart by `kind`."""
