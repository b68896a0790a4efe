"""Puts an experiment's fault in force, and lifts it, under a lease that ends even if this process does not live to lift it."""

from dataclasses import dataclass

from chaos.experiment.errors import RunError
from chaos.experiment.facts import LeaseCount
from chaos.experiment.fault_plan import FaultPlan, ProcessFaultPlan, SurgePlan
from chaos.targets.errors import TargetError
from chaos.targets.place import Place
from chaos.targets.target import PlacedLease, Survey, Target
from testbed.control import ControlError

LEASE_GRACE_MS = 5_000.0
"""The lease outlasts the window by this, so that the window's end is ours to set."""


@dataclass(frozen=True)
class Applied:
    """What was put in force: lease ids, and the processes that they act in."""

    leases: tuple[str, ...]
    instances: tuple[str, ...]


class FaultControl:
    """The fault of one arm.

    Args:
        target: The arm's system.
        plan: What to put in force.
        place: Where.
        window_ms: For how long it will be wanted.
        source: Who asks, for the journals.
    """

    def __init__(self, target: Target, plan: FaultPlan, place: Place, window_ms: float, source: str) -> None:
        self._target = target
        self._plan = plan
        self._place = place
        self._lease_ms = window_ms + LEASE_GRACE_MS
        self._source = source
        self._alive: tuple[PlacedLease, ...] = ()

    def apply(self) -> Applied:
        """Puts it in force. Raises RunError when the system refuses. A surge is in the load's schedule: it comes by itself."""
        plan, place = self._plan, self._place
        if isinstance(plan, SurgePlan):
            return Applied((), ())
        try:
            if isinstance(plan, ProcessFaultPlan):
                processes = self._target.disturb(place, plan.kind, lease_ms=self._lease_ms, source=self._source)
                return Applied(tuple(lease.id for lease in processes), tuple(lease.instance for lease in processes))
            placed = self._target.inject(
                place, plan.request_fault(), lease_ms=self._lease_ms, rate=plan.rate, source=self._source
            )
        except (TargetError, ControlError) as error:
            raise RunError(f"{plan} could not be put in force: {error}") from None
        return Applied(tuple(dict.fromkeys(each.lease.id for each in placed)), tuple(each.instance for each in placed))

    def note_alive(self) -> None:
        """Remembers which request leases are in force; asked just before lifting. Silence is remembered as not in force."""
        if not isinstance(self._plan, ProcessFaultPlan | SurgePlan):
            self._alive = self._survey().leases

    def lift(self) -> None:
        """Ends it now. Raises RunError when the system refuses."""
        if isinstance(self._plan, SurgePlan):
            return
        try:
            self._target.heal(self._place)
        except (TargetError, ControlError) as error:
            raise RunError(f"{self._plan} could not be lifted: {error}; it ends with its lease") from None

    def counts(self, applied: Applied) -> tuple[LeaseCount, ...]:
        """What request leases did, process by process; asked after lifting. Other faults have none."""
        if isinstance(self._plan, ProcessFaultPlan | SurgePlan):
            return ()
        alive = {(each.instance, each.lease.id) for each in self._alive}
        return tuple(
            LeaseCount(
                instance=each.instance,
                lease=each.lease.id,
                rate=each.lease.rate,
                seen=each.lease.seen,
                injected=each.lease.injected,
                in_force_at_lift=(each.instance, each.lease.id) in alive,
            )
            for each in self._survey().ended
            if each.lease.id in applied.leases
        )

    def _survey(self) -> Survey:
        try:
            return self._target.survey(processes=False)
        except (TargetError, ControlError) as error:
            raise RunError(f"the leases of {self._plan} could not be read: {error}") from None
