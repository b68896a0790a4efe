"""A run as plain lines, one an event: for a pipe, a CI log, or a terminal that cannot redraw."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from chaos.experiment.closing_screen import print_result
from chaos.experiment.facts import PhaseName
from chaos.experiment.live import Recent
from chaos.experiment.observer import RunPlan
from chaos.experiment.result import Result
from chaos.experiment.wording import percent


class PlainLines:
    """An Observer that prints."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._recent: Mapping[str, Recent] = {}
        self._up = -1

    def run_started(self, plan: RunPlan) -> None:
        """What is about to happen."""
        self._say(f"{plan.title}")
        self._say(f"{plan.fault}; arms {', then '.join(plan.arms)}, {plan.length_s:.4g} s each; seed {plan.seed}; {plan.folder}")
        self._say_pace(plan)

    def begun_anew(self, plan: RunPlan) -> None:
        """Why, and how."""
        self._say_pace(plan)

    def arm_started(self, arm: str) -> None:
        """Its name."""
        self._recent, self._up = {}, -1
        self._say(f"{arm}: starting a fresh system")

    def system_starting(self, arm: str, up: int, total: int) -> None:
        """Only the last of it: a line for each process would be noise."""
        if up == total != self._up:
            self._say(f"{arm}: all {total} processes are ready")
        self._up = up

    def phase_started(self, arm: str, phase: PhaseName, end_s: float) -> None:
        """The phase, and how the one before it went."""
        self._say_recent(arm)
        self._say(f"{arm}: {phase} until {end_s:.4g} s")

    def tick(self, arm: str, now_s: float, recent: Mapping[str, Recent]) -> None:  # noqa: ARG002 - an Observer's signature
        """Remembers how it goes."""
        self._recent = recent

    def event(self, arm: str, text: str) -> None:
        """The text."""
        self._say(f"{arm}: {text}")

    def arm_ended(self, arm: str) -> None:
        """Its name."""
        self._say(f"{arm}: stopped")

    def judged(self, result: Result, report: Path) -> None:
        """The closing screen."""
        print_result(result, report, self._out)

    def _say_recent(self, arm: str) -> None:
        said = [f"{name} {percent(each.succeeded / each.ended)}" for name, each in sorted(self._recent.items()) if each.ended]
        if said:
            self._say(f"{arm}: success in the last seconds: {', '.join(said)}")

    def _say_pace(self, plan: RunPlan) -> None:
        if plan.pace:
            self._say(f"{plan.pace} An arm takes {plan.length_s:.4g} s.")

    def _say(self, text: str) -> None:
        self._out.print(text, markup=False, highlight=False, soft_wrap=True)
