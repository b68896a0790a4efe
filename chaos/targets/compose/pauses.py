"""Containers whose service is paused: leases of the process 1 in each, and what else those tell of themselves."""

from collections.abc import Callable, Iterator, Mapping

from chaos.targets.compose.engine import Container, Engine, GoneError, StoppedError
from chaos.targets.compose.keepers import Keepers
from chaos.targets.compose.wakefulness import doubtful
from chaos.targets.errors import TargetError
from testbed.control import (
    ControlError,
    HealRequest,
    ProcessFaultRequest,
    ProcessLease,
    Request,
    Response,
    StatusRequest,
    SystemStatus,
)

Doubt = Callable[[Mapping[str, Container]], Mapping[str, Container]]
"""Picks the containers whose keepers may hold a fault."""


class Pauses:
    """The pauses in one project's containers, each named by its instance, such as `orders/2`.

    Args:
        engine: Where they are.
        doubt: Spares keepers who cannot hold a fault the question.
    """

    def __init__(self, engine: Engine, doubt: Doubt = doubtful) -> None:
        self._keepers = Keepers(engine)
        self._doubt = doubt

    def statuses(self, running: Mapping[str, Container]) -> dict[str, SystemStatus]:
        """What the keeper of each of these says, those left out that have just died. Raises TargetError for a silent one."""
        return {name: answer.status for name, answer in self._answers(running, StatusRequest()) if answer.status is not None}

    def grant(self, containers: Mapping[str, Container], request: ProcessFaultRequest) -> tuple[ProcessLease, ...]:
        """Pauses all of these, or none; their leases of that kind. Raises ControlError."""
        idle = [name for name, each in containers.items() if not each.runs]
        if idle:
            raise ControlError(f"{', '.join(idle)} cannot be paused: its container does not run; see: testbed status")
        answers = self._keepers.ask(containers, request)
        problems = [answer if isinstance(answer, TargetError) else answer.error for answer in answers.values()]
        if any(problems):
            self._keepers.ask({name: containers[name] for name in containers if _granted(answers[name])}, HealRequest())
            raise ControlError(f"{next(each for each in problems if each)}; nothing was paused")
        said = {name: answer.status for name, answer in answers.items() if isinstance(answer, Response) and answer.status}
        return tuple(lease for lease in leases_of(said) if lease.kind == request.kind)

    def heal(self, running: Mapping[str, Container]) -> int:
        """Ends them in all of these; how many there were. Raises TargetError for a keeper that stays silent."""
        return sum(answer.healed for _name, answer in self._answers(self._doubt(running), HealRequest()))

    def _answers(self, running: Mapping[str, Container], request: Request) -> Iterator[tuple[str, Response]]:
        """What keepers say. One that has just died, or just starts, holds nothing, so that nobody misses its answer."""
        for name, answer in self._keepers.ask(running, request).items():
            if isinstance(answer, Response):
                yield name, answer
            elif not isinstance(answer, GoneError | StoppedError) and running[name].health != "starting":
                raise answer


def leases_of(said: Mapping[str, SystemStatus]) -> tuple[ProcessLease, ...]:
    """The leases that keepers tell of, by instance. A keeper counts them for itself; here they are told apart."""
    return tuple(
        lease.model_copy(update={"id": f"{lease.id}-{name.replace('/', '-')}", "instance": name})
        for name, status in said.items()
        for lease in status.leases
    )


def _granted(answer: Response | TargetError) -> bool:
    return isinstance(answer, Response) and answer.error is None
