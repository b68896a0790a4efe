"""The faults of a running system, wherever it runs."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from chaos.faults import AnyFault
from chaos.inject.messages import LeaseList, LeaseRequest, LeaseView
from chaos.targets.control_client import TIMEOUT_S
from chaos.targets.errors import TargetError
from chaos.targets.lease_client import LeaseClient
from chaos.targets.place import Place
from chaos.targets.processes import Processes, Question, all_up, awake, raise_refusal, silent, up
from chaos.targets.system import System
from chaos.targets.target import Healing, PlacedLease, ProcessFault, Survey
from services.registry import Instance
from testbed.control import HealRequest, ProcessFaultRequest, ProcessLease, SystemStatus

Result = TypeVar("Result")


class SystemTarget:
    """A Target: process faults go to the system's keeper, request faults to each process's own control endpoint.

    Args:
        system: What runs.
        timeout_s: Longest wait for one process; all are asked at once.
    """

    def __init__(self, system: System, timeout_s: float = TIMEOUT_S) -> None:
        self._system = system
        self._timeout_s = timeout_s
        self._processes = Processes(system)

    def survey(self, *, processes: bool = True) -> Survey:
        """See Target."""
        system = self._system.status() if processes else self._system.roll()
        answers = self._processes.ask_all(awake(system), self._leases(lambda client: client.snapshot()))
        raise_refusal(answers)
        return Survey(
            status=system,
            leases=_placed(answers, lambda answer: answer.leases),
            ended=_placed(answers, lambda answer: answer.ended),
            silent=silent(answers),
            unseen=self._system.unseen,
        )

    def inject(
        self, place: Place, fault: AnyFault, *, lease_ms: float, rate: float = 1.0, source: str = "cli"
    ) -> tuple[PlacedLease, ...]:
        """See Target."""
        request = LeaseRequest(
            id=uuid.uuid4().hex[:12], fault=fault, edge=place.edge, rate=rate, lease_ms=lease_ms, source=source
        )
        granted = self._processes.grant_all(
            self._all_up(place, self._system.roll()),
            self._leases(lambda client: client.grant(request)),
            self._leases(lambda client: client.heal(request.id)),
            lease_ms=lease_ms,
            done="injected",
        )
        return tuple(PlacedLease(name, lease) for name, lease in granted.items())

    def disturb(self, place: Place, kind: ProcessFault, *, lease_ms: float, source: str = "cli") -> tuple[ProcessLease, ...]:
        """See Target."""
        if place.edge:
            raise TargetError(f"{kind} acts on processes, and {place.edge} is an edge; name a service or a replica")
        return self._system.disturb(
            ProcessFaultRequest(kind=kind, service=place.service, replica=place.replica, lease_ms=lease_ms, source=source)
        )

    def heal(self, place: Place | None = None) -> Healing:
        """See Target. A process that its keeper has paused answers once it is resumed, so both are asked at once.

        A keeper that takes its time may resume one when the patience with that is over; it is asked again then.
        """
        instances = [each for each in up(self._system.roll()) if place is None or place.covers(each)]
        question = self._leases(lambda client: _heal_requests(client, place))
        with ThreadPoolExecutor(1) as keeper:
            processes = keeper.submit(self._heal_processes, place)
            answers = self._processes.ask_all(instances, question)
            healed = processes.result()
        if healed:
            mute = silent(answers)
            answers |= self._processes.ask_all((each for each in instances if each.name in mute), question)
        healed += sum(answer for answer in answers.values() if isinstance(answer, int))
        raise_refusal(answers)
        return Healing(healed, silent(answers), "" if place and place.edge else self._system.unseen)

    def _heal_processes(self, place: Place | None) -> int:
        if place is None:
            return self._system.heal(HealRequest())
        if place.edge:
            return 0
        return self._system.heal(HealRequest(service=place.service, replica=place.replica))

    def _all_up(self, place: Place, system: SystemStatus) -> tuple[Instance, ...]:
        """The processes of a place. Raises TargetError when one does not run: a fault there would be half a fault."""
        covered = tuple(instance for instance in system.instances if place.covers(instance))
        if not covered:
            raise TargetError(f"no process of {place} is known to whoever keeps the system's processes")
        return all_up(system, covered, self._system.remedy, "name a replica that runs, or ")

    def _leases(self, question: Callable[[LeaseClient], Result]) -> Question[Result]:
        """A question about a process's leases."""

        def ask_one(instance: Instance, token: str) -> Result:
            return question(LeaseClient(instance, token, self._timeout_s))

        return ask_one


def _heal_requests(client: LeaseClient, place: Place | None) -> int:
    if place is None:
        return client.heal()
    return sum(client.heal(lease.id) for lease in client.snapshot().leases if lease.edge == place.edge)


def _placed(
    answers: dict[str, LeaseList | TargetError], pick: Callable[[LeaseList], tuple[LeaseView, ...]]
) -> tuple[PlacedLease, ...]:
    lists = {name: answer for name, answer in answers.items() if isinstance(answer, LeaseList)}
    return tuple(PlacedLease(name, lease) for name, answer in lists.items() for lease in pick(answer))
