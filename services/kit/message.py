"""A request to another service and its answer, free of any client library."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel

IDEMPOTENCY_HEADER = "Idempotency-Key"
DEGRADED_HEADER = "Degraded"
"""On answers built from a fallback; the value is its kind."""

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What to ask. `route` is the path with its parameters unfilled: names of spans must not grow with data."""

    method: str
    path: str
    route: str
    body: bytes | None = None
    idempotency_key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    urgency: int | None = None
    """From 0, the most urgent, to 7 (RFC 9218); None leaves it to the request that is being served."""

    @property
    def repeatable(self) -> bool:
        """Whether doing it twice is as good as once."""
        return self.method == "GET" or self.idempotency_key is not None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer below 500; the rest are errors."""

    status: int
    body: bytes
    degraded: str | None = None
    retry_after_ms: float | None = None
    """When something new may succeed, if a refusal says so."""

    def parse(self, model: type[Model]) -> Model:
        """The body as `model`. Raises pydantic's ValidationError."""
        return model.model_validate_json(self.body)

    @property
    def detail(self) -> str:
        """What a problem's body says, or nothing when it is none."""
        return problem_detail(self.body)


def problem_detail(body: bytes) -> str:
    """The `detail` of a problem+json body; empty when there is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):  # A body is at most as large as the transport lets it, and still may nest too deep.
        return ""
    return str(found.get("detail", "")) if isinstance(found, dict) else ""
