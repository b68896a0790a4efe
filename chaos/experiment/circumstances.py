"""Under what an experiment ran: on which machine, and what it could not bear."""

from pydantic import Field

from chaos.experiment.finding import Finding


class Machine(Finding):
    """Where the experiment ran: figures of another machine are other figures."""

    cpus: int
    cpu_model: str
    memory_bytes: int
    system: str = Field(description="operating system and kernel release")
    python: str


class Rehearsal(Finding):
    """A first baseline that was broken off because the machine was too busy with it."""

    pace: float = Field(default=1.0, description="at which customers came")
    cpu_percent: float = Field(description="of all cores, that were used")
    needed_percent: float = Field(
        description="of all cores, for everybody to be served who came; more than 100: it was overwhelmed"
    )
    fixed_percent: float = Field(
        default=0.0, description="of these, what does not shrink with the load, as far as an earlier rehearsal tells"
    )
    allowed_percent: float = Field(description="above which an arm says nothing (bounds.machine_cpu_percent)")
