"""The live line while a system starts: how many of its processes are ready."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from testbed.launch import Report


class StartScreen:
    """Shows reports of a start on a terminal, and nothing when the output is piped; disappears afterwards."""

    def __init__(self, out: Console) -> None:
        columns = (SpinnerColumn(), TextColumn("starting"), BarColumn(30), MofNCompleteColumn(), TextColumn("processes ready"))
        self._progress = Progress(*columns, console=out, transient=True, disable=not out.is_terminal)
        self._task = self._progress.add_task("starting", total=None)

    def __enter__(self) -> Self:
        """Begins to draw."""
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Takes the line away."""
        self._progress.stop()

    def show(self, report: Report) -> None:
        """Draws a report."""
        self._progress.update(self._task, completed=report.up, total=report.total or None)
