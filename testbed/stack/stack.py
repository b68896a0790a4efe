"""The programs of one system together: started beside it, shown, and stopped; whatever becomes of them, the system goes on."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from testbed.control import ProgramStatus
from testbed.stack.kept_program import Around, KeptProgram
from testbed.stack.program_plan import ProgramPlan


class Stack:
    """Keeps what a plan lists.

    Args:
        plans: What is to run.
        missing: What would run if it were here, with how to get it.
        around: What they share.
    """

    def __init__(self, plans: Iterable[ProgramPlan], missing: Iterable[ProgramStatus], around: Around) -> None:
        self._plans = tuple(plans)
        self._missing = tuple(missing)
        self._kept = [KeptProgram(plan, around) for plan in self._plans]
        self._lives: list[asyncio.Task[None]] = []

    @property
    def logs(self) -> tuple[Path, ...]:
        """What the programs say, to be kept within bounds."""
        return tuple(plan.log for plan in self._plans)

    def start(self) -> None:
        """Starts them, and waits for none."""
        self._lives = [asyncio.create_task(each.run()) for each in self._kept]

    async def stop(self) -> None:
        """Stops them all."""
        await asyncio.gather(*(each.stop() for each in self._kept))
        for life in self._lives:
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)

    def status(self) -> tuple[ProgramStatus, ...]:
        """What people are told of them."""
        return (*(each.status() for each in self._kept), *self._missing)
