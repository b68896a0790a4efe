"""A run on a terminal: the phase with its bar, and how every journey fares at this moment."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from chaos.experiment.closing_screen import print_result
from chaos.experiment.facts import PhaseName
from chaos.experiment.live import Recent
from chaos.experiment.observer import RunPlan
from chaos.experiment.outcomes import Role
from chaos.experiment.result import Result
from chaos.experiment.wording import percent

_BAR_WIDTH = 46
_PHASE_STYLE = {"warmup": "dim", "baseline": "cyan", "fault": "bold red", "recovery": "yellow"}


class LiveScreen:
    """An Observer that redraws a few lines in place. Enter it before the run and leave it after."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._live = Live(console=out, auto_refresh=False, transient=True)
        self._plan: RunPlan | None = None
        self._arm = ""
        self._stage = Text("")
        self._now_s = 0.0
        self._recent: Mapping[str, Recent] = {}

    def __enter__(self) -> "LiveScreen":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def run_started(self, plan: RunPlan) -> None:
        """What is about to happen."""
        self._plan = plan
        self._out.print(Text(plan.title, "bold"))
        self._out.print(Text(plan.hypothesis, "italic"))
        self._out.print(f"fault: {plan.fault}   seed: {plan.seed}   folder: {plan.folder}", highlight=False, soft_wrap=True)
        self._print_pace(plan)

    def begun_anew(self, plan: RunPlan) -> None:
        """Stays on the screen, above what is redrawn."""
        self._plan = plan
        self._print_pace(plan)

    def arm_started(self, arm: str) -> None:
        """A new arm."""
        self._arm, self._recent, self._now_s = arm, {}, 0.0
        self._stage = Text("starting a fresh system")
        self._draw()

    def system_starting(self, arm: str, up: int, total: int) -> None:  # noqa: ARG002 - an Observer's signature
        """How far it is."""
        self._stage = Text(f"starting: {up} of {total} processes are ready")
        self._draw()

    def phase_started(self, arm: str, phase: PhaseName, end_s: float) -> None:  # noqa: ARG002 - an Observer's signature
        """A new phase."""
        self._stage = Text.assemble((phase, _PHASE_STYLE[phase]), f" until {end_s:.4g} s")
        self._draw()

    def tick(self, arm: str, now_s: float, recent: Mapping[str, Recent]) -> None:  # noqa: ARG002 - an Observer's signature
        """Time passes."""
        self._now_s, self._recent = now_s, recent
        if now_s < 0:
            self._stage = Text(f"customers sign in; the load starts in {-now_s:.0f} s")
        self._draw()

    def event(self, arm: str, text: str) -> None:
        """Stays on the screen, above what is redrawn."""
        self._out.print(Text.assemble((f"{arm} ", "bold"), text), highlight=False)

    def arm_ended(self, arm: str) -> None:
        """Stays on the screen."""
        self._out.print(Text.assemble((f"{arm} ", "bold"), "stopped"))

    def judged(self, result: Result, report: Path) -> None:
        """The closing screen."""
        self._live.update(Text(""), refresh=True)
        self._live.stop()
        print_result(result, report, self._out)

    def _print_pace(self, plan: RunPlan) -> None:
        if plan.pace:
            self._out.print(Text(f"{plan.pace} An arm takes {plan.length_s:.4g} s.", "yellow"))

    def _draw(self) -> None:
        self._live.update(self._picture(), refresh=True)

    def _picture(self) -> RenderableType:
        plan = self._plan
        if plan is None:
            return Text("")
        done = plan.arms.index(self._arm) if self._arm in plan.arms else 0
        line = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=plan.length_s, completed=max(0.0, min(self._now_s, plan.length_s)), width=_BAR_WIDTH)
        line.add_row(Text(f"{self._arm} ({done + 1} of {len(plan.arms)})", "bold"), bar, self._stage)
        return Group(Text(""), line, self._journeys(plan))

    def _journeys(self, plan: RunPlan) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, role in plan.roles.items():
            recent = self._recent.get(name)
            share = recent.succeeded / recent.ended if recent and recent.ended else None
            degraded = f"{percent(recent.degraded / recent.ended)} degraded" if recent and recent.degraded else ""
            style = "dim" if share is None else "green" if share > 0.99 else "yellow" if share > 0.5 else "red"
            table.add_row(f"  {name}", Text(percent(share), style, justify="right"), degraded, Text(_ROLE[role], "dim"))
        return table


_ROLE = {Role.JUDGED: "must hold", Role.MAY_DEGRADE: "may degrade", Role.WATCHED: "watched"}
