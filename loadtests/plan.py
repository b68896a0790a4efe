"""What one run of the load is: everything that must be the same for it to happen again."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

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
    run: str = ""
    """Id of the run that this load is of, for whoever looks at its traces; empty: none."""
    arm: str = ""
    """Likewise, its arm."""

    def baggage(self, journey: str) -> str:
        """The W3C header of a request of `journey`."""
        return f"firebreak.journey={journey}{self._baggage_of_all}"

    @cached_property
    def _baggage_of_all(self) -> str:
        stated = {"run": self.run, "arm": self.arm}
        return "".join(f",firebreak.{key}={quote(value, safe='')}" for key, value in stated.items() if value)


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
    pace: float = 1.0
    """How fast the sources' time runs: at 0.5 each brings half an arrival a second. A surge is stated as it comes."""

    def rate_per_s(self, journey: str, now_s: float) -> float:
        """Arrivals of `journey` that it asks for around `now_s` of the schedule, on average."""
        if not 0 <= now_s < self.run_s:
            return 0.0
        surge = self.surge
        surges = surge is not None and surge.journey == journey and surge.start_s <= now_s < surge.end_s
        return self.users * self.pace * self.plan.mix.share(journey) + (surge.rate_per_s if surge and surges else 0.0)
