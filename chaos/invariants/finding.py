"""What a look at an invariant found."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

MAX_OFFENDERS = 20


@dataclass(frozen=True)
class InvariantFinding:
    """Whether an invariant holds, in one sentence with its numbers.

    Attributes:
        holds: None when there was nothing to judge.
        sentence: For people.
        numbers: The counts behind it.
        offenders: Whose it does not hold for, such as order ids; MAX_OFFENDERS at most.
    """

    holds: bool | None
    sentence: str
    numbers: dict[str, float] = field(default_factory=dict)
    offenders: tuple[str, ...] = ()

    def count(self, what: str) -> int:
        """The number called `what`, such as a breach by its words; 0 when there is none."""
        return int(self.numbers.get(_key(what), 0))


def _key(what: str) -> str:
    return what.replace(" ", "_")


@dataclass(frozen=True)
class Judged:
    """How many of what were judged, and what is true of them all if the invariant holds.

    Attributes:
        count: How many.
        singular: What one of them is, such as `accepted order`.
        holding: What holds, as a predicate of `each`: `was captured exactly once`.
        young: How many were not judged, because they moved while the books were read.
    """

    count: int
    singular: str
    holding: str
    young: int = 0


def conclude(
    judged: Judged, breaches: Mapping[str, Collection[str]], numbers: Mapping[str, float] | None = None
) -> InvariantFinding:
    """The finding of an invariant that is broken if any of `breaches` is.

    Args:
        judged: What was looked at.
        breaches: Whose it does not hold for, by what is wrong with them: `without a capture`.
        numbers: More counts to keep.
    """
    counts = {"judged": float(judged.count), "too_young": float(judged.young), **(numbers or {})}
    broken = {what: tuple(sorted(who)) for what, who in breaches.items() if who}
    counts |= {_key(what): float(len(breaches[what])) for what in breaches}
    offenders = tuple(dict.fromkeys(each for who in broken.values() for each in who))
    return InvariantFinding(_holds(judged, broken), _sentence(judged, broken), counts, offenders[:MAX_OFFENDERS])


def _holds(judged: Judged, broken: Mapping[str, Collection[str]]) -> bool | None:
    if broken:
        return False
    return True if judged.count else None


def _sentence(judged: Judged, broken: Mapping[str, Collection[str]]) -> str:
    young = f" ({judged.young} too young to judge)" if judged.young else ""
    if broken:
        wrong = ", ".join(f"{len(who)} {what}" for what, who in broken.items())
        return f"of {counted(judged.count, judged.singular)}: {wrong}{young}"
    if not judged.count:
        return f"no {judged.singular} to judge{young}"
    return f"each of {counted(judged.count, judged.singular)} {judged.holding}{young}"


def counted(count: int, singular: str) -> str:
    """`1 order`, `2 orders`, `1,204 entries`."""
    plural = f"{singular[:-1]}ies" if singular.endswith("ry") else f"{singular}es" if singular.endswith("sh") else f"{singular}s"
    return f"{count:,} {singular if count == 1 else plural}"
