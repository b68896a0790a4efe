"""What all kinds of request fault share."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from chaos.faults.hold import Hold


class RequestFault(BaseModel):
    """Settings of a fault: frozen, no unknown keys, finite numbers. A subclass adds `kind` and `apply`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    summary: ClassVar[str]
    """One line for people: what a caller of the target lives through."""
    outlasts_caller: ClassVar[bool] = False
    """True when a request may be held for as long as the lease: the server then watches for callers that went away."""

    severs: ClassVar[bool] = False
    """True when it is the network that fails: answers are kept back as requests are, and at a service its own calls as well."""

    async def apply(self, hold: Hold) -> None:
        """Does the fault to one request: waits, raises an InjectedFault, or both. Returning lets the request go on."""
        raise NotImplementedError
