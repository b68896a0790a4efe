"""Fail: the request is answered with an error at once."""

from typing import ClassVar, Literal

from pydantic import Field

from chaos.faults.base import RequestFault
from chaos.faults.errors import InjectedError
from chaos.faults.hold import Hold


class Error(RequestFault):
    """Answers with an HTTP error status; the request does not reach what it was meant for."""

    kind: Literal["error"] = "error"
    status: int = Field(default=503, ge=400, le=599)

    summary: ClassVar[str] = "answers at once with an error status"

    async def apply(self, hold: Hold) -> None:  # noqa: ARG002 - it needs no time
        """Raises InjectedError."""
        raise InjectedError(self.status)

    def __str__(self) -> str:
        return f"error {self.status}"
