"""Hang: the request is accepted and not answered while the lease lasts."""

from typing import ClassVar, Literal

from chaos.faults.base import RequestFault
from chaos.faults.hold import Hold


class Hang(RequestFault):
    """Holds the request until the lease ends; then it goes on as if nothing had happened."""

    kind: Literal["hang"] = "hang"

    summary: ClassVar[str] = "accepts and does not answer before the lease ends"
    outlasts_caller: ClassVar[bool] = True

    async def apply(self, hold: Hold) -> None:
        """Waits for the end of the lease."""
        await hold.wait_for_end()

    def __str__(self) -> str:
        return "hang"
