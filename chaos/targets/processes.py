"""The processes of a running system, asked all at once over their own control endpoints."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from chaos.targets.errors import NoEndpointError, RefusedError, SilentError, TargetError
from chaos.targets.system import System
from services.duration import format_duration_ms
from services.registry import Instance, InstanceState
from testbed.control import SystemStatus

_MAX_PARALLEL = 64
Result = TypeVar("Result")
Question = Callable[[Instance, str], Result]
"""Asks one process, with the run's token; raises TargetError."""


class Processes:
    """The processes of one system."""

    def __init__(self, system: System) -> None:
        self._system = system

    def ask_all(self, instances: Iterable[Instance], question: Question[Result]) -> dict[str, Result | TargetError]:
        """Asks every process at once; what went wrong with one is its answer."""
        token = self._system.secrets().chaos_token

        def answer(instance: Instance) -> Result | TargetError:
            try:
                return question(instance, token)
            except TargetError as error:
                return error

        asked = tuple(instances)
        with ThreadPoolExecutor(_MAX_PARALLEL) as pool:
            return dict(zip((each.name for each in asked), pool.map(answer, asked), strict=True))

    def grant_all(
        self,
        instances: tuple[Instance, ...],
        grant: Question[Result],
        take_back: Question[object],
        *,
        lease_ms: float,
        done: str,
    ) -> dict[str, Result]:
        """Has a lease granted by all of these processes, or by none: when one does not, it is taken back from the others.

        Args:
            instances: Who is to grant it.
            grant: Asks for it.
            take_back: Ends it.
            lease_ms: How long it lasts.
            done: What it does, in the past tense, as in "nothing was injected".

        Raises:
            TargetError: With the reason of one that did not.
        """
        try:
            return self._granted(self.ask_all(instances, grant), lease_ms, done)
        except BaseException:  # Ctrl-C as well: nothing stays that nobody was told of.
            self.ask_all(instances, take_back)
            raise

    @staticmethod
    def _granted(answers: Mapping[str, Result | TargetError], lease_ms: float, done: str) -> dict[str, Result]:
        for answer in answers.values():
            if isinstance(answer, SilentError):
                late = format_duration_ms(lease_ms)
                raise TargetError(f"{answer}; nothing was {done}, or if it was taken in there, it ends by itself within {late}")
            if isinstance(answer, TargetError):
                raise TargetError(f"{answer}; nothing was {done}")
        return {name: answer for name, answer in answers.items() if not isinstance(answer, TargetError)}


def up(system: SystemStatus) -> tuple[Instance, ...]:
    """Processes that may hold leases: one that is down lost them, one that starts has none yet."""
    return tuple(each for each in system.instances if each.state is InstanceState.UP and each.port)


def awake(system: SystemStatus) -> tuple[Instance, ...]:
    """Those of them that can answer: not the ones that their keeper has stopped."""
    stopped = paused(system)
    return tuple(each for each in up(system) if each.name not in stopped)


def paused(system: SystemStatus) -> frozenset[str]:
    """Names of the processes that their keeper has stopped: they are not asked, since they cannot answer."""
    return frozenset(lease.instance for lease in system.leases if lease.kind == "pause")


def all_up(system: SystemStatus, covered: tuple[Instance, ...], remedy: str, instead: str = "") -> tuple[Instance, ...]:
    """These processes. Raises TargetError when one does not run: what is put into the others would be half of it.

    `remedy` is what to do about one without a fault (System.remedy), `instead` what else may be done, as in "name another, or ".
    """
    faulted, stopped = {lease.instance for lease in system.leases}, paused(system)
    for instance in covered:
        if instance.state is not InstanceState.UP or instance.name in stopped:
            state = "paused" if instance.name in stopped else str(instance.state)
            way = f"end its fault first: chaos heal {instance.name}" if instance.name in faulted else remedy
            raise TargetError(f"{instance.name} is {state}; {instead}{way}")
    return covered


def raise_refusal(answers: Mapping[str, object]) -> None:
    """Raises a refusal, unless it only says that some of the processes have no such endpoint."""
    refusals = [answer for answer in answers.values() if isinstance(answer, RefusedError)]
    for refusal in refusals:
        if not isinstance(refusal, NoEndpointError) or len(refusals) == len(answers):
            raise refusal


def silent(answers: Mapping[str, object]) -> tuple[str, ...]:
    """Names of the processes that did not answer."""
    return tuple(name for name, answer in answers.items() if isinstance(answer, SilentError))
