"""What the chaos command and the experiment runner ask of a running system, wherever it runs."""

from dataclasses import dataclass
from typing import Literal, Protocol

from chaos.faults import AnyFault
from chaos.inject.messages import LeaseView
from chaos.targets.place import Place
from testbed.control import ProcessLease, SystemStatus

ProcessFault = Literal["kill", "pause"]


@dataclass(frozen=True)
class PlacedLease:
    """A request fault in one process; `instance` is such as payments/2."""

    instance: str
    lease: LeaseView


@dataclass(frozen=True)
class Survey:
    """All that is known of faults in a system at one moment.

    Attributes:
        status: The system, with its process faults.
        leases: Request faults in force.
        ended: The last request faults that ended in each process, with their final counts, oldest first.
        silent: Processes that did not answer, so that their request faults are not known. One that is paused on order is
            not asked.
        unseen: What else there may be that is not known here, for people; empty when there is nothing.
    """

    status: SystemStatus
    leases: tuple[PlacedLease, ...]
    ended: tuple[PlacedLease, ...]
    silent: tuple[str, ...] = ()
    unseen: str = ""


@dataclass(frozen=True)
class Healing:
    """What a heal did: faults ended, processes that did not answer, and what there may be that was not ended, for people."""

    healed: int
    silent: tuple[str, ...] = ()
    unseen: str = ""


class Target(Protocol):
    """A running system. Every method raises TargetError or testbed.control.ControlError with a text for people."""

    def survey(self, *, processes: bool = True) -> Survey:
        """Asks every process for its leases; without `processes`, faults on processes may be left out, which is sooner done."""
        ...

    def inject(
        self, place: Place, fault: AnyFault, *, lease_ms: float, rate: float = 1.0, source: str = "cli"
    ) -> tuple[PlacedLease, ...]:
        """Puts a request fault in force in all processes of `place`, under one lease id, or in none."""
        ...

    def disturb(self, place: Place, kind: ProcessFault, *, lease_ms: float, source: str = "cli") -> tuple[ProcessLease, ...]:
        """Kills or pauses the processes of `place` until the lease ends; returns its process leases in force."""
        ...

    def heal(self, place: Place | None = None) -> Healing:
        """Ends what was injected at exactly this place, or everything, within a second."""
        ...
