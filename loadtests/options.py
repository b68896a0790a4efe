"""The load's own command-line arguments, beside Locust's.

Their values stay plain text and numbers: Locust sends them to its workers, and shows them in its web UI.
"""

import argparse
import math
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from loadtests.arrivals import LAWS, Law, Surge
from loadtests.client import Host
from loadtests.journeys import JOURNEYS
from loadtests.journeys.catalogue import CUSTOMERS
from loadtests.mix import Mix
from loadtests.plan import Plan, Schedule

DEFAULT_MIX: Final = "browse=25,order=25,track=22,sign_in=2"
LOOPBACK: Final = "127.0.0.1"
MAX_ARRIVALS: Final = 1_000_000
"""Expected arrivals of one schedule: their records take some 500 MB."""
_MAX_RUN_S: Final = 3_600.0
_MAX_PATIENCE_MS: Final = 60_000.0
_MAX_IN_FLIGHT: Final = 20_000
_MAX_SEED: Final = 2**63 - 1
_MAX_LEAD_S: Final = 600.0
_MAX_NAME: Final = 100


class Options(Protocol):
    """What is read of Locust's parsed command line."""

    mix: str
    arrivals: Law
    seed: int | None
    customers: int
    patience_ms: float
    max_in_flight: int
    run_seconds: float | None
    pace: float
    surge: str | None
    start_at: float | None
    record: str | None
    metrics_host: str
    metrics_port: int
    run_id: str
    arm: str
    # Locust's own:
    num_users: int | None
    run_time: int | None
    headless: bool
    master: bool
    worker: bool
    processes: int | None


def add_arguments(parser: Any) -> None:
    """Declares the arguments. Locust's web UI and master listen on 127.0.0.1 unless told otherwise."""
    parser.set_defaults(web_host=LOOPBACK, master_bind_host=LOOPBACK)
    parser.add_argument(
        "--mix", type=_mix, default=DEFAULT_MIX, help=f"Arrivals by journey, of {', '.join(JOURNEYS)}. Defaults to {DEFAULT_MIX}"
    )
    group = parser.add_argument_group("Open-loop load", "Every user is a source of one journey a second.")
    for name, kind, default, text in (
        ("--seed", _integer(0, _MAX_SEED), None, "Same seed, same arrivals and choices. Drawn and printed by default"),
        ("--customers", _integer(1, CUSTOMERS), 20, "Customers who sign in before the load starts. Defaults to 20"),
        ("--patience-ms", _number(1, _MAX_PATIENCE_MS), 5_000.0, "How long a customer waits for a step. Defaults to 5000"),
        ("--max-in-flight", _integer(1, _MAX_IN_FLIGHT), 5_000, "Journeys at once, the rest is dropped. Defaults to 5000"),
        ("--run-seconds", _number(0.1, _MAX_RUN_S), None, "Play a fixed schedule of --users sources for so long, then end"),
        ("--pace", _number(0.01, 1), 1.0, "Of a fixed schedule: at 0.5 the same arrivals come half as often. Defaults to 1"),
        ("--surge", str, None, "Arrivals on top, such as order=12.5@25-45: so many a second from second 25 to 45"),
        ("--start-at", _number(0, 1e11), None, "Unix time of the schedule's start. Defaults to once customers are signed in"),
        ("--record", str, None, "Folder for requests.jsonl, start.json and load.json of a fixed schedule"),
        ("--metrics-port", _integer(0, 65_000), 0, "Port of /metrics; workers add their index to it. Defaults to a free one"),
        (
            "--metrics-host",
            _name,
            LOOPBACK,
            "Its address. With another than 127.0.0.1, its default, workers add nothing to the port",
        ),
        ("--run-id", _name, "", "What the baggage of every request calls the run. Defaults to nothing"),
        ("--arm", _name, "", "What it calls the run's arm. Defaults to nothing"),
    ):
        group.add_argument(name, type=kind, default=default, help=text, metavar="<value>")
    group.add_argument("--arrivals", choices=LAWS, default=LAWS[0], help=f"Law of the arrivals. Defaults to {LAWS[0]}")


def draw_seed() -> int:
    """A seed for a run that was given none."""
    return secrets.randbelow(_MAX_SEED)


def read_plan(options: Options, host: str | None, seed: int) -> Plan:
    """The plan for a system at `host`. Raises ValueError with what is allowed."""
    return Plan(
        host=f"http://{Host.parse(host)}",
        mix=Mix.parse(options.mix, JOURNEYS),
        law=options.arrivals,
        seed=seed,
        customers=options.customers,
        patience_ms=options.patience_ms,
        max_in_flight=options.max_in_flight,
        run=options.run_id,
        arm=options.arm,
    )


def read_schedule(options: Options, host: str | None, seed: int) -> Schedule | None:
    """The fixed schedule, or None when Locust decides about beginning and end. Raises ValueError with what is allowed."""
    if options.run_seconds is None:
        slower = None if options.pace == 1 else options.pace
        stated = {"--start-at": options.start_at, "--record": options.record, "--surge": options.surge, "--pace": slower}
        for name, value in stated.items():
            if value is not None:
                raise ValueError(f"{name} belongs to a fixed schedule; say how long it is with --run-seconds")
        return None
    if not options.headless or options.master or options.worker or options.processes:
        raise ValueError(
            "--run-seconds plays a fixed schedule in one process: use --headless without --master, --worker, --processes"
        )
    if options.run_time is not None:
        raise ValueError("--run-seconds and --run-time both end the run; allowed: one of them")
    users = 1 if options.num_users is None else options.num_users
    plan = read_plan(options, host, seed)
    surge = None if options.surge is None else _surge(options.surge, plan.mix, options.run_seconds)
    expected = users * options.pace * options.run_seconds + (surge.expected if surge else 0.0)
    if not 1 <= expected <= MAX_ARRIVALS or users < 1:
        raise ValueError(
            f"--users {users} for --run-seconds {options.run_seconds:g}: allowed are 1 to {MAX_ARRIVALS} expected arrivals"
        )
    return Schedule(
        plan=plan,
        users=users,
        run_s=options.run_seconds,
        surge=surge,
        start_at_unix_s=_checked_start(options.start_at),
        record=None if options.record is None else Path(options.record),
        pace=options.pace,
    )


def _checked_start(start_at_unix_s: float | None) -> float | None:
    if start_at_unix_s is not None:
        lead_s = start_at_unix_s - time.time()
        if not 0 <= lead_s <= _MAX_LEAD_S:
            raise ValueError(
                f"--start-at {start_at_unix_s:.3f} is {lead_s:+.1f} s from now; allowed: 0 to {_MAX_LEAD_S:g} s ahead"
            )
    return start_at_unix_s


def _surge(text: str, mix: Mix, run_s: float) -> Surge:
    """Reads `journey=rate@start-end`. Raises ValueError with what is allowed."""
    journey, _, numbers = text.partition("=")
    rate, _, span = numbers.partition("@")
    start, _, end = span.partition("-")
    try:
        surge = Surge(journey, float(rate), float(start), float(end))
    except ValueError:
        raise ValueError(f"--surge {text}: write journey=rate@start-end, such as order=12.5@25-45") from None
    if journey not in mix.journeys:
        raise ValueError(f"--surge {text}: {journey!r} is not in the mix; allowed: {', '.join(mix.journeys)}")
    if not (0 < surge.rate_per_s < math.inf and 0 <= surge.start_s < surge.end_s <= run_s):
        raise ValueError(f"--surge {text}: allowed are a rate above 0, and a start before an end within {run_s:g} s")
    return surge


def _mix(text: str) -> str:
    try:
        return str(Mix.parse(text, JOURNEYS))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _name(text: str) -> str:
    if len(text) > _MAX_NAME:
        raise argparse.ArgumentTypeError(f"a name of {len(text)} characters is not allowed: write {_MAX_NAME} at most")
    return text


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not allowed: write an integer from {low} to {high}")
        return int(text)

    return parse


def _number(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and low <= value <= high):
            raise argparse.ArgumentTypeError(f"{text!r} is not allowed: write a number without a unit, from {low:g} to {high:g}")
        return value

    return parse
