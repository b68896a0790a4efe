"""A change of what is in force in a running process: parameters set, a pattern switched off, another profile."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.policy.admission import Limit
from services.policy.assignment import MAX_ASSIGNMENTS, MAX_LENGTH, ServicePolicy, assign
from services.policy.edge import EdgePolicy
from services.policy.effective import Switch, effective_limit, effective_policy
from services.policy.pattern import Pattern, Profile

Place = Annotated[str, Field(max_length=70, pattern=r"^[a-z][a-z0-9-]*(->[a-z][a-z0-9-]*)?$")]
_Text = Annotated[str, Field(max_length=MAX_LENGTH)]


class _Change(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Setting(_Change):
    """Parameters of one edge (`caller->callee`) or of one service, set together."""

    kind: Literal["set"] = "set"
    place: Place
    values: dict[_Text, _Text] = Field(min_length=1, max_length=MAX_ASSIGNMENTS)

    def __str__(self) -> str:
        return " ".join(f"{key}={value}" for key, value in self.values.items())


class Removal(_Change):
    """One pattern switched off: at one edge or service, or, with `place` None, everywhere."""

    kind: Literal["without"] = "without"
    pattern: Pattern
    place: Place | None = None

    def __str__(self) -> str:
        return f"without {self.pattern}"


class Reprofile(_Change):
    """Of everything that the map declares, what a profile leaves; whatever was changed before is no more."""

    kind: Literal["profile"] = "profile"
    place: None = None
    profile: Profile

    def __str__(self) -> str:
        return f"profile {self.profile}"


Change = Annotated[Setting | Removal | Reprofile, Field(discriminator="kind")]


def whereabouts(change: Change) -> str:
    """`at orders->payments`, or `everywhere`."""
    return f"at {change.place}" if change.place else "everywhere"


@dataclass(frozen=True)
class Policies:
    """The policies of one process: of the edges that `service` calls over, by `caller->callee`, and its own limit."""

    service: str
    edges: Mapping[str, EdgePolicy]
    limit: Limit | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """Where something can be changed."""
        return (*self.edges, self.service)


def profiled(declared: Policies, profile: Profile, switches: tuple[Switch, ...] = ()) -> Policies:
    """What a profile and switches leave of what is declared."""
    edges = {edge: effective_policy(policy, edge, profile, switches) for edge, policy in declared.edges.items()}
    return replace(declared, edges=edges, limit=effective_limit(declared.limit, declared.service, profile, switches))


def changed(now: Policies, change: Change, declared: Policies) -> Policies:
    """`now` with one change.

    Raises:
        ValueError: No such policy is possible; the text says why not and names the place.
    """
    if isinstance(change, Reprofile):
        return profiled(declared, change.profile)
    if isinstance(change, Removal):
        _check_place_of(change, now.service)
        # Of what is in force, all but one pattern: the profile that leaves all is `declared`.
        return profiled(now, Profile.DECLARED, (Switch(change.pattern, change.place),))
    try:
        if change.place in now.edges:
            return replace(now, edges={**now.edges, change.place: assign(now.edges[change.place], change.values)})
        if change.place == now.service:
            return replace(now, limit=assign(ServicePolicy(limit=now.limit), change.values).limit)
    except ValueError as error:
        raise ValueError(f"{change.place}: {error}") from None
    return now


def _check_place_of(removal: Removal, service: str) -> None:
    """Raises ValueError where there is no such pattern to switch off: it would look like a change and be none."""
    if removal.place is None or removal.pattern.of_service == (removal.place == service):
        return
    protects = "a service from all of its callers" if removal.pattern.of_service else "an edge"
    wanted = "a service, not an edge" if removal.pattern.of_service else "an edge (caller->callee), not a service"
    raise ValueError(f"{removal.place}: {removal.pattern} protects {protects}: name {wanted}")
