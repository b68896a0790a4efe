"""What a pattern decided about a call: one frozen record for every sink (span events, metrics, logs)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Verb(StrEnum):
    """Kinds of decision."""

    RETRY = "retry"
    RETRY_DENIED = "retry_denied"
    HEDGE = "hedge"
    WAITED = "waited"
    BREAKER = "breaker"
    EJECTED = "ejected"
    READMITTED = "readmitted"
    REJECTED = "rejected"
    CACHED = "cached"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class Decision:
    """`verb` on `edge`; `detail` is the new state, the kind, the replica or the denying pattern; `reason` says why."""

    edge: str
    verb: Verb
    detail: str
    reason: str


class Sink(Protocol):
    """Where decisions go. Called inside the call that they concern; must neither block nor raise."""

    def decided(self, decision: Decision) -> None:
        """Takes one decision."""
        ...
