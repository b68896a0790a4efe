"""What is known of a saga: how far it is, which way it goes, and by which version whoever works on it is fenced."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class SagaState(StrEnum):
    """`done` and `undone` are final, except that a done saga may be reopened to be undone."""

    RUNNING = "running"
    COMPENSATING = "compensating"
    DONE = "done"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Saga:
    """One saga.

    Attributes:
        id: Also the key under which every callee knows it.
        state: Which way it goes.
        position: Index of the step to act on next or, while compensating, of the step to undo next.
        version: Grows by one with every write. A write names the version that it follows, so that of two workers one fails.
        deadline_at: Unix time after which nobody waits for it any more: it is then undone instead of continued.
        attempts: Failed attempts at the compensation that is next.
        undone: Steps below `position` whose compensation took effect before its turn, a bit each; bit 0 is the first step.
        reason: Why it is undone.
        trace_headers: Of the request that began it: its story belongs to that trace, whoever finishes it.
    """

    id: str
    state: SagaState
    position: int
    version: int
    deadline_at: float
    attempts: int
    reason: str
    trace_headers: Mapping[str, str]
    undone: int = 0

    def is_undone(self, position: int) -> bool:
        """Whether the step at `position` was undone while one above it could not be."""
        return bool(self.undone >> position & 1)


class FencedError(Exception):
    """Somebody else has written the saga since: whoever is told so stops, and has changed nothing."""

    def __init__(self, saga_id: str) -> None:
        super().__init__(f"saga {saga_id} has moved on")
