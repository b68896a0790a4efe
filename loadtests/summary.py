"""load.json: what was planned, what was delivered, and whether the record is whole."""

from dataclasses import dataclass
from typing import Final

from loadtests.arrivals import Surge
from loadtests.plan import Schedule
from loadtests.tally import Lateness, Tally

SUMMARY_FILE: Final = "load.json"
START_FILE: Final = "start.json"
"""Written once customers are signed in: when second 0 of the schedule is, for who has to act at an instant of it."""


@dataclass(frozen=True)
class StartFacts:
    """What start.json holds."""

    started_unix: float


@dataclass(frozen=True)
class PlanFacts:
    """The plan as plain values."""

    host: str
    users: int
    pace: float
    run_s: float
    surge: Surge | None
    mix: dict[str, float]
    law: str
    customers: int
    patience_ms: float
    max_in_flight: int

    @classmethod
    def of(cls, schedule: Schedule) -> "PlanFacts":
        """The facts of `schedule`; its seed and start stand beside them in the summary."""
        plan = schedule.plan
        return cls(
            host=plan.host,
            users=schedule.users,
            pace=schedule.pace,
            run_s=schedule.run_s,
            surge=schedule.surge,
            mix=dict(plan.mix.weights),
            law=plan.law,
            customers=plan.customers,
            patience_ms=plan.patience_ms,
            max_in_flight=plan.max_in_flight,
        )


@dataclass(frozen=True)
class Summary:
    """Counts are by journey; see JourneyCounts for what each means."""

    started_unix: float
    """Unix time of the schedule's second 0."""
    seed: int
    plan: PlanFacts
    arrivals: int
    intended: dict[str, int]
    sent: dict[str, int]
    completed: dict[str, int]
    failed: dict[str, int]
    abandoned: dict[str, int]
    late: dict[str, int]
    skipped: dict[str, int]
    dropped: dict[str, int]
    lateness_ms: Lateness
    real_time: bool
    """Whether the generator ran ahead of everybody else on its machine; if not, a busy machine makes it late."""
    delivered: bool
    """Whether every arrival whose instant came was started: none was dropped."""
    complete: bool
    """Whether the load was delivered, its schedule played to the end, and every request is in the record."""
    problem: str | None
    """Why not."""

    @classmethod
    def of(cls, schedule: Schedule, started_unix_s: float, tally: Tally, problem: str | None, *, real_time: bool) -> "Summary":
        """Sums up a run that ended; `problem` says what cut it short or damaged its record."""

        def by_journey(count: str) -> dict[str, int]:
            return {name: getattr(counts, count) for name, counts in tally.journeys.items()}

        return cls(
            started_unix=started_unix_s,
            seed=schedule.plan.seed,
            plan=PlanFacts.of(schedule),
            arrivals=tally.arrivals,
            intended=by_journey("intended"),
            sent=by_journey("sent"),
            completed=by_journey("completed"),
            failed=by_journey("failed"),
            abandoned=by_journey("abandoned"),
            late=by_journey("late"),
            skipped=by_journey("skipped"),
            dropped=by_journey("dropped"),
            lateness_ms=tally.lateness(),
            real_time=real_time,
            delivered=tally.dropped == 0,
            complete=problem is None,
            problem=problem,
        )
