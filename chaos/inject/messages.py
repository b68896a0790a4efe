"""What the control endpoint and its clients say to each other, as frozen models."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from chaos.faults import Fault

PATH = "/__chaos__/leases"
TOKEN_HEADER = "X-Chaos-Token"  # noqa: S105 - the name of a header
MAX_LEASE_MS = 3_600_000.0
"""No fault lasts longer than an hour: a lease is renewed, not made eternal."""

LeaseId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LeaseRequest(_Message):
    """Asks for a lease, or renews the one that has this id.

    A renewal repeats fault, edge and rate and moves only the end.
    """

    id: LeaseId | None = None
    fault: Fault
    edge: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9-]*->[a-z][a-z0-9-]*$", max_length=70)
    rate: float = Field(default=1.0, gt=0, le=1, description="share of requests that are hit")
    lease_ms: float = Field(gt=0, le=MAX_LEASE_MS)
    source: str = Field(default="", max_length=200, description="who asked, for the journal")

    @model_validator(mode="after")
    def _severed_is_severed(self) -> Self:
        if self.fault.severs and self.rate < 1:
            raise ValueError(
                f"a {self.fault} loses every packet, so its rate is 1: leave it out, or abort a share of the requests"
            )
        return self


class LeaseView(_Message):
    """A lease as others see it; `remaining_ms` is 0 once it has ended."""

    id: str
    fault: Fault
    edge: str | None = None
    rate: float
    remaining_ms: float
    seen: int = Field(description="requests (of a partition: and calls and answers) that the lease had to decide about")
    injected: int = Field(description="those that it hit")
    source: str = ""


class LeaseList(_Message):
    """Leases in force, oldest first, and the last ones that ended, newest last."""

    leases: tuple[LeaseView, ...] = ()
    ended: tuple[LeaseView, ...] = ()


class Healed(_Message):
    """Answer to a heal."""

    healed: int
