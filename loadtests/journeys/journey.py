"""What a journey is made of. Nothing here knows how requests are sent, timed or recorded."""

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol, TypeVar

T = TypeVar("T")

MAX_PLACED_ORDERS: Final = 1_000


@dataclass(slots=True)
class Account:
    """A customer who signed in before the first arrival. Whoever holds it sees a renewed token."""

    token: str
    lifetime_s: float
    """How long a token is good for."""


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order that this load placed, and who may ask for it."""

    id: str
    account: Account


@dataclass(frozen=True, slots=True)
class Request:
    """One step of a journey on the wire."""

    step: str
    method: str
    path: str
    expected_status: int = 200
    body: object = None
    """Sent as JSON; None sends no body."""
    account: Account | None = None
    idempotency_key: str | None = None

    @property
    def payload(self) -> bytes:
        """The body's bytes."""
        return b"" if self.body is None else json.dumps(self.body, separators=(",", ":")).encode()


class Visit(Protocol):
    """One journey under way."""

    random: Random
    """Seeded for this arrival: the same choices whatever happens around it."""
    accounts: Sequence[Account]
    orders: deque[PlacedOrder]
    """The latest orders that this load placed, up to MAX_PLACED_ORDERS."""

    def ask(self, request: Request, read: Callable[[object], T]) -> T:
        """Sends a step, records it, and returns what `read` makes of the JSON body.

        `read` raises ValueError for a body that does not carry what the next step needs. A step that is not ok ends the journey
        (an exception that journeys let pass).
        """


class SkipJourney(Exception):  # noqa: N818 - not an error: there is nothing to do
    """Raised before the first step: this arrival has nothing to do."""


@dataclass(frozen=True)
class Journey:
    """A kind of visit."""

    name: str
    steps: tuple[str, ...]
    """In order; the journey ends with the last."""
    run: Callable[[Visit], None]
    needs_account: bool = False


def read_field(body: object, name: str, kind: type[T]) -> T:
    """The value of `name` in the JSON object `body`. Raises ValueError when it is missing or of another kind."""
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, kind):
        raise ValueError(f"no {name}")  # noqa: TRY004 - a bad answer is a value, whatever its type
    return value


def read_ids(body: object, name: str) -> list[int]:
    """The `id` of each object in the list `name`. Raises ValueError when there is none."""
    ids = [read_field(item, "id", int) for item in read_field(body, name, list)]
    if not ids:
        raise ValueError(f"no {name}")
    return ids


def ignore(_body: object) -> None:
    """Reads nothing: the status says it all."""
