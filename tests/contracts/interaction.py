"""One thing that a consumer asks of a provider, and what it needs of the answer, as a contract keeps it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tests.contracts.documents import FOLDER, read

CONTRACTS = "contracts"
"""Their folder in docs/api."""


class Asked(BaseModel):
    """A request as it is sent; the internal token, trace context and deadline go with every request and are left out."""

    model_config = ConfigDict(frozen=True)

    method: str
    path: str
    headers: dict[str, str]
    body: Any = None


class Needed(BaseModel):
    """What the consumer takes from the answer."""

    model_config = ConfigDict(frozen=True)

    status: int
    headers: dict[str, str] = Field(default_factory=dict, description="that it reads, with their values")
    reads: Any = Field(default=None, description="JSON schema of what it reads of the body; None: nothing")
    means: str = Field(description="what it makes of it: `success`, or its error")


class Interaction(BaseModel):
    """A request in a state of the provider, and the answer to it."""

    model_config = ConfigDict(frozen=True)

    what: str = Field(description="the method of the client, unique together with `given`")
    given: str = Field(description="the state of the provider; the tests of the provider know how to get there")
    request: Asked
    answer: Needed


class Contract(BaseModel):
    """Everything that one service asks of another."""

    consumer: str
    provider: str
    interactions: list[Interaction]

    @property
    def file(self) -> str:
        """Where it is committed, in docs/api."""
        return f"{CONTRACTS}/{self.consumer}-{self.provider}.json"

    @classmethod
    def committed(cls) -> "list[Contract]":
        """All contracts, as they are committed."""
        return [cls.model_validate(read(path)) for path in sorted((FOLDER / CONTRACTS).glob("*.json"))]
