"""What is in force once a profile and switches are applied to what is declared."""

from collections.abc import Collection
from dataclasses import dataclass

from services.document import did_you_mean
from services.policy.admission import Limit
from services.policy.edge import EdgePolicy
from services.policy.pattern import Pattern, Profile


@dataclass(frozen=True)
class Switch:
    """One pattern switched off: on one edge (`caller->callee`), of one service (the limit), or, with `place` None, everywhere."""

    pattern: Pattern
    place: str | None

    @classmethod
    def parse(cls, text: str, edges: Collection[str], services: Collection[str]) -> "Switch":
        """Reads `breaker`, `breaker@orders->payments` or `limit@payments`. Raises ValueError naming what is allowed."""
        name, at, place = text.partition("@")
        try:
            pattern = Pattern(name)
        except ValueError:
            raise ValueError(f"{name!r} is no pattern; allowed: {', '.join(Pattern)}{did_you_mean(name, Pattern)}") from None
        if place.endswith("-") and place[:-1] in services:
            raise ValueError(f"{text!r} names an edge that lost its end: the shell redirects at >, so quote it: '{text}>...'")
        what, places = ("service", services) if pattern.of_service else ("edge", edges)
        if at and place not in places:
            raise ValueError(f"{place!r} is no {what}; allowed: {', '.join(places)}{did_you_mean(place, places)}")
        return cls(pattern, place if at else None)

    def __str__(self) -> str:
        return f"{self.pattern}@{self.place}" if self.place else str(self.pattern)


def effective_policy(declared: EdgePolicy, edge: str, profile: Profile, switches: tuple[Switch, ...]) -> EdgePolicy:
    """What is in force on `edge`."""
    policy = {Profile.DECLARED: declared, Profile.TIMEOUTS_ONLY: declared.timeouts_only, Profile.NONE: declared.bare}[profile]
    for switch in switches:
        if switch.place in (None, edge):
            policy = policy.without(switch.pattern)
    return policy


def effective_limit(declared: Limit | None, service: str, profile: Profile, switches: tuple[Switch, ...]) -> Limit | None:
    """The limit in force at `service`."""
    off = any(switch.pattern is Pattern.LIMIT and switch.place in (None, service) for switch in switches)
    return declared if profile is Profile.DECLARED and not off else None
