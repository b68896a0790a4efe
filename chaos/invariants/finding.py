"""What a look at an invariant found."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class InvariantFinding:
    """Whether an invariant holds, in one sentence with its numbers.

    Attributes:
        holds: None when there was nothing to judge.
        sentence: For people.
        numbers: The counts behind it.
    """

    holds: bool | None
    sentence: str
    numbers: dict[str, float] = field(default_factory=dict)
