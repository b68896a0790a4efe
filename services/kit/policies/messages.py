"""What the policy endpoint and its clients say to each other, as frozen models."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.policy.change import Change

PATH = "/__policy__/leases"
MAX_LEASE_MS = 3_600_000.0
"""No change lasts longer than an hour, as no fault does: what is to stay belongs into the map."""

LeaseId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PolicyRequest(_Message):
    """Asks for a change to be put in force for `lease_ms`."""

    id: LeaseId
    change: Change
    lease_ms: float = Field(gt=0, le=MAX_LEASE_MS)
    source: str = Field(default="", max_length=200, description="who asked")


class PolicyLease(_Message):
    """A change in force."""

    id: LeaseId
    change: Change
    age_ms: float = Field(description="how long it has been in force")
    remaining_ms: float
    source: str = ""


class PolicyState(_Message):
    """What is in force in one process, and the changes that it comes from, oldest first.

    Parameters are spelled as they are assigned (`services.policy.assignment`): `{"retry.max_attempts": "2"}`.
    """

    service: str
    edges: dict[str, dict[str, str]]
    limit: dict[str, str]
    leases: tuple[PolicyLease, ...] = ()


class Ended(_Message):
    """Answer to a reset: how many changes it ended."""

    ended: int
