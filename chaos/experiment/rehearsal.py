"""Looks at the machine during the first baseline of a run, before any fault: what is too slow for the load shows there."""

from collections.abc import Callable

from chaos.experiment.circumstances import Rehearsal
from chaos.experiment.machine import CpuRecord, CpuSample
from chaos.experiment.pace import AS_WRITTEN, BUSY_SHARE

MIN_LOOK_S = 2.0
"""A shorter look is no measurement: the kernel counts in hundredths of a second, and a second of customers is chance."""


class MachineTooBusyError(Exception):
    """The arm was broken off, for customers may come more slowly, and should."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        super().__init__(f"the machine was {rehearsal.cpu_percent:.1f} % busy in the first baseline")
        self.rehearsal = rehearsal


class BusyWatch:
    """From `begin` to `end`, what the machine used, and what it would have needed.

    Args:
        allowed_percent: How busy the machine may be for an arm to say anything.
        due_per_s: Journeys that are meant to begin in a second.
        read_cpu: The machine's counters; None where it has none, and then nothing is known.
        pace: At which these journeys come.
    """

    def __init__(
        self, allowed_percent: float, due_per_s: float, read_cpu: Callable[[], CpuSample | None], pace: float = AS_WRITTEN
    ) -> None:
        self._allowed_percent = allowed_percent
        self._due_per_s = due_per_s
        self._read_cpu = read_cpu
        self._pace = pace
        self._began: CpuSample | None = None
        self._succeeded_before = 0

    def begin(self, succeeded: int) -> None:
        """The baseline begins; so many journeys have succeeded so far."""
        self._began, self._succeeded_before = self._read_cpu(), succeeded

    def end(self, succeeded: int) -> None:
        """It ends. Raises MachineTooBusyError when the machine was so busy that no verdict is to be had.

        A machine that is overwhelmed is no busier than one that is just full. What tells them apart is how many of those who came
        were served: the rest still waits, or gave up.
        """
        before, after = self._began, self._read_cpu()
        if before is None or after is None or after.at - before.at < MIN_LOOK_S:
            return
        cpu_percent = CpuRecord((before, after)).busy_percent(before.at, after.at)
        if cpu_percent is None or cpu_percent <= BUSY_SHARE * self._allowed_percent:
            return
        due, served = self._due_per_s * (after.at - before.at), max(1, succeeded - self._succeeded_before)
        raise MachineTooBusyError(
            Rehearsal(
                pace=self._pace,
                cpu_percent=round(cpu_percent, 1),
                needed_percent=round(cpu_percent * max(1.0, due / served), 1),
                allowed_percent=self._allowed_percent,
            )
        )
