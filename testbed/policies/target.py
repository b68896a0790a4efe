"""A running system's policies, asked for and changed in all of its processes at once."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from chaos.targets.control_client import TIMEOUT_S
from chaos.targets.processes import Processes, Question, all_up, awake, raise_refusal, silent, up
from chaos.targets.system import System
from services.kit.policies.messages import PolicyRequest, PolicyState
from services.policy.change import Change
from services.registry import Instance
from services.topology import Topology, load_topology
from testbed.control import SystemStatus
from testbed.policies.client import PolicyClient
from testbed.policies.survey import PolicySurvey, concerned, owner_of

Result = TypeVar("Result")


@dataclass(frozen=True)
class Reset:
    """What a reset did: the changes it ended, and processes that did not answer."""

    ended: int
    silent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Made:
    """A change that was made: its id, and the processes that hold it."""

    id: str
    instances: tuple[str, ...]


class PolicyTarget:
    """A system whose policies are changed. Every method raises TargetError or ControlError with a text for people.

    Args:
        system: What runs.
        timeout_s: Longest wait for one process; all are asked at once.
    """

    def __init__(self, system: System, timeout_s: float = TIMEOUT_S) -> None:
        self._system = system
        self._timeout_s = timeout_s
        self._processes = Processes(system)

    def topology(self) -> Topology:
        """The map that the system was started from."""
        return self._running()[1]

    def survey(self) -> PolicySurvey:
        """Asks every process what is in force in it."""
        system, topology = self._running()
        asked = (each for each in awake(system) if each.service in topology.services)
        answers = self._processes.ask_all(asked, self._policies(lambda client: client.snapshot()))
        raise_refusal(answers)
        return PolicySurvey(
            system=system,
            topology=topology,
            states={name: answer for name, answer in answers.items() if isinstance(answer, PolicyState)},
            silent=silent(answers),
        )

    def make(self, change: Change, lease_ms: float, source: str) -> Made:
        """Has every process that it concerns make a change, or none."""
        system, topology = self._running()
        covered = tuple(each for each in system.instances if each.service in concerned(change, topology))
        request = PolicyRequest(id=uuid.uuid4().hex[:12], change=change, lease_ms=lease_ms, source=source)
        granted = self._processes.grant_all(
            all_up(system, covered, self._system.remedy),
            self._policies(lambda client: client.grant(request)),
            self._policies(lambda client: client.end(request.id)),
            lease_ms=lease_ms,
            done="changed",
        )
        return Made(request.id, tuple(granted))

    def reset(self, place: str | None) -> Reset:
        """Ends the changes made at this place, or all."""
        system, topology = self._running()
        owner = None if place is None else owner_of(place)
        asked = [each for each in up(system) if each.service in topology.services and owner in (None, each.service)]
        answers = self._processes.ask_all(asked, self._policies(lambda client: client.reset(place)))
        raise_refusal(answers)
        ended = frozenset[str]().union(*(answer for answer in answers.values() if isinstance(answer, frozenset)))
        return Reset(len(ended), silent(answers))

    def _running(self) -> tuple[SystemStatus, Topology]:
        system = self._system.status()
        return system, load_topology(Path(system.topology))

    def _policies(self, question: Callable[[PolicyClient], Result]) -> Question[Result]:
        """A question about a process's policies."""

        def ask_one(instance: Instance, token: str) -> Result:
            return question(PolicyClient(instance, token, self._timeout_s))

        return ask_one
