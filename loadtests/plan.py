"""What one run of the load is: everything that must be the same for it to happen again."""

from dataclasses import dataclass
from pathlib import Path

from loadtests.arrivals import Law, Surge
from loadtests.mix import Mix


@dataclass(frozen=True)
class Plan:
    """How arrivals come and how their customers behave. All values are checked."""

    host: str
    """Base URL of the system under load, without a path."""
    mix: Mix
    law: Law
    seed: int
    customers: int
    """How many customers sign in before the first arrival; the journeys share their tokens."""
    patience_ms: float
    """How long a customer waits for one step."""
    max_in_flight: int
    """Journeys under way at once; an arrival beyond is dropped."""


@dataclass(frozen=True)
class Schedule:
    """A plan with a beginning and an end: its arrivals are known before it starts."""

    plan: Plan
    users: int
    """Sources of one arrival a second each, all of them from second 0."""
    run_s: float
    surge: Surge | None
    """What comes on top for a part of it."""
    start_at_unix_s: float | None
    """None: as soon as the customers are signed in."""
    record: Path | None
    """Folder of requests.jsonl and load.json; None keeps no record."""
