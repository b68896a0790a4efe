"""What the runner writes down while it runs: the facts that no other file of a run's folder holds."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from chaos.experiment.circumstances import Machine, Rehearsal
from chaos.experiment.result import Address, PhaseSpan

PhaseName = Literal["warmup", "baseline", "fault", "recovery"]
PHASES: tuple[PhaseName, ...] = ("warmup", "baseline", "fault", "recovery")


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LeaseCount(_Fact):
    """What a request fault's lease did in one process, read just before and just after it was lifted."""

    instance: str
    lease: str
    rate: float
    seen: int
    injected: int
    in_force_at_lift: bool


class FaultFacts(_Fact):
    """When the fault was put in force and lifted: seconds from the schedule's start."""

    applied_s: float
    lifted_s: float | None = None
    leases: tuple[str, ...] = ()
    counts: tuple[LeaseCount, ...] = ()
    targets: tuple[str, ...] = Field(description="instances that the fault acts in, such as orders/2")


class ArmFacts(_Fact):
    """One arm, as it was run."""

    name: str
    started_at: float = Field(description="Unix time of the schedule's first instant")
    marks_s: tuple[float, float, float, float, float]
    fault: FaultFacts | None = None
    complete: bool = False
    addresses: dict[str, Address] = Field(default_factory=dict, description="of the pages that outlive the arm, by name")

    def phases(self) -> tuple[PhaseSpan, ...]:
        """The four phases, in the schedule and on the wall clock."""
        return tuple(
            PhaseSpan(name=name, start_s=start, end_s=end, started_at=self.started_at + start, ended_at=self.started_at + end)
            for name, start, end in zip(PHASES, self.marks_s[:-1], self.marks_s[1:], strict=True)
        )


class RunFacts(_Fact):
    """One run of an experiment."""

    run_id: str
    experiment: str = Field(description="the experiment's name; its file is beside this one")
    seed: int
    scale: float
    pace: float = 1.0
    rehearsal: Rehearsal | None = Field(default=None, description="why the pace is not 1; None: it is, or was asked for")
    arms: tuple[str, ...] = Field(description="in the order in which they run, drawn from the seed")
    started_at: float
    took_s: float | None = Field(default=None, description="None until every arm has run to its end")
    versions: dict[str, str]
    machine: Machine
