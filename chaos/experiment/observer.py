"""Who watches a run: the live screen, the plain lines of a CI log, or nobody."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chaos.experiment.facts import PhaseName
from chaos.experiment.live import Recent
from chaos.experiment.outcomes import Role
from chaos.experiment.result import Result


@dataclass(frozen=True)
class RunPlan:
    """What is about to happen."""

    title: str
    hypothesis: str
    fault: str
    arms: tuple[str, ...]
    roles: Mapping[str, Role]
    seed: int
    length_s: float
    """Of one arm's schedule."""
    pace: str
    """How fast customers come, in a sentence; empty when they come as the experiment says."""
    folder: Path


class Observer(Protocol):
    """Told of everything that happens, in the thread in which it happens; returns quickly and raises nothing."""

    def run_started(self, plan: RunPlan) -> None:
        """Before the first arm."""

    def begun_anew(self, plan: RunPlan) -> None:
        """The first arm was broken off and is stopped; all arms are run at another pace."""

    def arm_started(self, arm: str) -> None:
        """Its system is about to start."""

    def system_starting(self, arm: str, up: int, total: int) -> None:
        """So many of its processes are ready."""

    def phase_started(self, arm: str, phase: PhaseName, end_s: float) -> None:
        """A phase that lasts until `end_s` of the schedule."""

    def tick(self, arm: str, now_s: float, recent: Mapping[str, Recent]) -> None:
        """Several times a second, at `now_s` of the schedule (negative before it starts)."""

    def event(self, arm: str, text: str) -> None:
        """Something that people want to know."""

    def arm_ended(self, arm: str) -> None:
        """Its system is stopped."""

    def judged(self, result: Result, report: Path) -> None:
        """The end."""


class Unobserved:
    """For a run that nobody watches."""

    def run_started(self, plan: RunPlan) -> None:
        """Tells nobody."""

    def begun_anew(self, plan: RunPlan) -> None:
        """Tells nobody."""

    def arm_started(self, arm: str) -> None:
        """Tells nobody."""

    def system_starting(self, arm: str, up: int, total: int) -> None:
        """Tells nobody."""

    def phase_started(self, arm: str, phase: PhaseName, end_s: float) -> None:
        """Tells nobody."""

    def tick(self, arm: str, now_s: float, recent: Mapping[str, Recent]) -> None:
        """Tells nobody."""

    def event(self, arm: str, text: str) -> None:
        """Tells nobody."""

    def arm_ended(self, arm: str) -> None:
        """Tells nobody."""

    def judged(self, result: Result, report: Path) -> None:
        """Tells nobody."""
