"""A system of local processes, kept by a supervisor: found by its state folder."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from chaos.faults import AnyFault
from chaos.inject.messages import LeaseList, LeaseRequest, LeaseView
from chaos.targets.errors import NoEndpointError, RefusedError, SilentError, TargetError
from chaos.targets.lease_client import TIMEOUT_S, LeaseClient
from chaos.targets.place import Place
from chaos.targets.target import Healing, PlacedLease, ProcessFault, Survey
from services.duration import format_duration_ms
from services.registry import Instance, InstanceState
from testbed.control import HealRequest, ProcessFaultRequest, ProcessLease, SystemStatus, ask, status
from testbed.run import RunFolder

_MAX_PARALLEL = 64
Result = TypeVar("Result")


class LocalTarget:
    """Process faults go through the supervisor's socket, request faults to each process's own control endpoint.

    Args:
        state: The system's folder.
        timeout_s: Longest wait for one process; all are asked at once.
    """

    def __init__(self, state: Path, timeout_s: float = TIMEOUT_S) -> None:
        self._state = state
        self._timeout_s = timeout_s

    def survey(self) -> Survey:
        """See Target."""
        system = status(self._state)
        paused = {lease.instance for lease in system.leases if lease.kind == "pause"}
        answers = self._ask_all((each for each in _up(system) if each.name not in paused), lambda client: client.snapshot())
        _raise_refusal(answers)
        return Survey(
            status=system,
            leases=_placed(answers, lambda answer: answer.leases),
            ended=_placed(answers, lambda answer: answer.ended),
            silent=_silent(answers),
        )

    def inject(
        self, place: Place, fault: AnyFault, *, lease_ms: float, rate: float = 1.0, source: str = "cli"
    ) -> tuple[PlacedLease, ...]:
        """See Target."""
        request = LeaseRequest(
            id=uuid.uuid4().hex[:12], fault=fault, edge=place.edge, rate=rate, lease_ms=lease_ms, source=source
        )
        instances = _all_up(place, status(self._state))
        try:
            return self._grant_all(instances, request)
        except BaseException:  # Ctrl-C as well: no fault stays that nobody was told of.
            self._ask_all(instances, lambda client: client.heal(request.id))
            raise

    def _grant_all(self, instances: tuple[Instance, ...], request: LeaseRequest) -> tuple[PlacedLease, ...]:
        answers = self._ask_all(instances, lambda client: client.grant(request))
        for answer in answers.values():
            if isinstance(answer, SilentError):
                late = format_duration_ms(request.lease_ms)
                raise TargetError(f"{answer}; nothing was injected, or if it was taken in there, it ends by itself within {late}")
            if isinstance(answer, TargetError):
                raise TargetError(f"{answer}; nothing was injected")
        return tuple(PlacedLease(name, answer) for name, answer in answers.items() if not isinstance(answer, TargetError))

    def disturb(self, place: Place, kind: ProcessFault, *, lease_ms: float, source: str = "cli") -> tuple[ProcessLease, ...]:
        """See Target."""
        if place.edge:
            raise TargetError(f"{kind} acts on processes, and {place.edge} is an edge; name a service or a replica")
        ask(
            self._state,
            ProcessFaultRequest(kind=kind, service=place.service, replica=place.replica, lease_ms=lease_ms, source=source),
        )
        system = status(self._state)
        covered = {instance.name for instance in system.instances if place.covers(instance)}
        return tuple(lease for lease in system.leases if lease.kind == kind and lease.instance in covered)

    def heal(self, place: Place | None = None) -> Healing:
        """See Target. A process that the supervisor has paused answers once it is resumed, so both are asked at once."""
        instances = [each for each in _up(status(self._state)) if place is None or place.covers(each)]
        with ThreadPoolExecutor(1) as supervisor:
            processes = supervisor.submit(self._heal_processes, place)
            answers = self._ask_all(instances, lambda client: _heal_requests(client, place))
            healed = processes.result() + sum(answer for answer in answers.values() if isinstance(answer, int))
        _raise_refusal(answers)
        return Healing(healed, _silent(answers))

    def _heal_processes(self, place: Place | None) -> int:
        if place is None:
            return ask(self._state, HealRequest()).healed
        if place.edge:
            return 0
        return ask(self._state, HealRequest(service=place.service, replica=place.replica)).healed

    def _ask_all(
        self, instances: Iterable[Instance], question: Callable[[LeaseClient], Result]
    ) -> dict[str, Result | TargetError]:
        """Asks every process at once; what went wrong with one is its answer."""
        token = self._token()

        def answer(instance: Instance) -> Result | TargetError:
            try:
                return question(LeaseClient(instance, token, self._timeout_s))
            except TargetError as error:
                return error

        asked = tuple(instances)
        with ThreadPoolExecutor(_MAX_PARALLEL) as pool:
            return dict(zip((each.name for each in asked), pool.map(answer, asked), strict=True))

    def _token(self) -> str:
        folder = RunFolder(self._state)
        try:
            return folder.read_secrets().chaos_token
        except (OSError, ValueError):
            raise TargetError(f"{folder.secrets_file} cannot be read, so no process can be asked") from None


def _up(system: SystemStatus) -> tuple[Instance, ...]:
    """Processes that may hold leases: one that is down lost them, one that starts has none yet."""
    return tuple(each for each in system.instances if each.state is InstanceState.UP and each.port)


def _all_up(place: Place, system: SystemStatus) -> tuple[Instance, ...]:
    """The processes of a place. Raises TargetError when one does not run: a fault there would be half a fault."""
    covered = tuple(instance for instance in system.instances if place.covers(instance))
    paused = {lease.instance for lease in system.leases if lease.kind == "pause"}
    for instance in covered:
        if instance.state is not InstanceState.UP or instance.name in paused:
            state = "paused" if instance.name in paused else str(instance.state)
            raise TargetError(
                f"{instance.name} is {state}; name a replica that runs, or end its fault first: chaos heal {instance.name}"
            )
    if not covered:
        raise TargetError(f"no process of {place} is known to the supervisor")
    return covered


def _heal_requests(client: LeaseClient, place: Place | None) -> int:
    if place is None:
        return client.heal()
    return sum(client.heal(lease.id) for lease in client.snapshot().leases if lease.edge == place.edge)


def _placed(
    answers: dict[str, LeaseList | TargetError], pick: Callable[[LeaseList], tuple[LeaseView, ...]]
) -> tuple[PlacedLease, ...]:
    lists = {name: answer for name, answer in answers.items() if isinstance(answer, LeaseList)}
    return tuple(PlacedLease(name, lease) for name, answer in lists.items() for lease in pick(answer))


def _raise_refusal(answers: Mapping[str, object]) -> None:
    """Raises a refusal, unless it only says that some of the processes serve no faults."""
    refusals = [answer for answer in answers.values() if isinstance(answer, RefusedError)]
    for refusal in refusals:
        if not isinstance(refusal, NoEndpointError) or len(refusals) == len(answers):
            raise refusal


def _silent(answers: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(name for name, answer in answers.items() if isinstance(answer, SilentError))
