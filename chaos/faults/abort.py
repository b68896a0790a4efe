"""Cut: the connection ends without an answer, as when a process dies in the middle of a request."""

from typing import ClassVar, Literal

from chaos.faults.base import RequestFault
from chaos.faults.errors import InjectedAbort
from chaos.faults.hold import Hold


class Abort(RequestFault):
    """Cuts the connection instead of answering."""

    kind: Literal["abort"] = "abort"

    summary: ClassVar[str] = "cuts the connection without an answer"

    async def apply(self, hold: Hold) -> None:  # noqa: ARG002 - it needs no time
        """Raises InjectedAbort."""
        raise InjectedAbort("injected: connection cut")

    def __str__(self) -> str:
        return "abort"
