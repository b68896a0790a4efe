"""A running system, wherever it runs: what whoever injects faults into it, or reads it, needs to know of it."""

from typing import Protocol

from testbed.control import HealRequest, ProcessFaultRequest, ProcessLease, SystemStatus
from testbed.run import Secrets


class System(Protocol):
    """Its processes, its tokens and its keeper. Every method raises TargetError or ControlError with a text for people."""

    @property
    def option(self) -> str:
        """How a command line names it, such as `--target compose`; empty for the one that needs no name."""
        ...

    @property
    def remedy(self) -> str:
        """What to do about a process that does not run and has no fault, as in "orders/2 is down; wait until it is up"."""
        ...

    @property
    def logs_command(self) -> str:
        """What shows why a service is down."""
        ...

    @property
    def unseen(self) -> str:
        """Faults that it neither sees nor ends, and who does; empty when there are none."""
        ...

    def roll(self) -> SystemStatus:
        """Who runs where, as soon as it can be told. Faults of processes may be left out of it."""
        ...

    def status(self) -> SystemStatus:
        """Everything: who runs where, and the faults on processes."""
        ...

    def secrets(self) -> Secrets:
        """Its tokens."""
        ...

    def disturb(self, request: ProcessFaultRequest) -> tuple[ProcessLease, ...]:
        """Puts a process fault in force in everything that the request names, or in nothing; its leases."""
        ...

    def heal(self, request: HealRequest) -> int:
        """Ends process faults, and returns how many."""
        ...
