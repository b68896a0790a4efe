import argparse
import time
from pathlib import Path

import pytest

from loadtests.mix import Mix
from loadtests.options import Options, add_arguments, draw_seed, read_plan, read_schedule
from loadtests.plan import Schedule

HOST = "http://127.0.0.1:8080/"


def parsed(*arguments: str, headless: bool = True, **locust: object) -> Options:
    """Our arguments as Locust's parser would parse them, beside its own."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_arguments(parser)
    own = {"num_users": 74, "run_time": None, "master": False, "worker": False, "processes": None, "headless": headless}
    parser.set_defaults(**{**own, **locust})
    options: Options = parser.parse_args(arguments)
    return options


def schedule(*arguments: str, headless: bool = True, **locust: object) -> Schedule:
    read = read_schedule(parsed(*arguments, headless=headless, **locust), HOST, 7)
    assert read is not None
    return read


def test_without_arguments_the_load_is_the_demos_mix_and_never_ends() -> None:
    options = parsed()
    plan = read_plan(options, HOST, 7)
    assert str(plan.mix) == "browse=25,order=25,track=22,sign_in=2"
    assert (plan.law, plan.seed, plan.customers, plan.patience_ms, plan.max_in_flight) == ("poisson", 7, 20, 5_000.0, 5_000)
    assert plan.host == "http://127.0.0.1:8080"
    assert read_schedule(options, HOST, 7) is None


def test_a_fixed_schedule_takes_its_sources_from_the_users() -> None:
    read = schedule("--run-seconds", "60", "--record", "runs/1", "--mix", "order=3", "--arrivals", "constant")
    assert (read.users, read.run_s, read.start_at_unix_s, read.record) == (74, 60.0, None, Path("runs/1"))
    assert (read.plan.mix, read.plan.law) == (Mix((("order", 3.0),)), "constant")


def test_at_a_slower_pace_more_seconds_are_possible_with_as_many_arrivals() -> None:
    assert schedule("--run-seconds", "60").pace == 1.0
    assert schedule("--run-seconds", "3600", "--pace", "0.5", num_users=500).pace == 0.5


def test_a_start_in_the_future_is_kept_to_the_microsecond() -> None:
    start_at = round(time.time() + 30, 6)
    assert schedule("--run-seconds", "60", "--start-at", f"{start_at:.6f}").start_at_unix_s == start_at


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--mix", "brows=1"), "unknown journey 'brows'; allowed: browse, order, review, sign_in, track"),
        (("--seed", "-1"), "'-1' is not allowed: write an integer from 0 to 9223372036854775807"),
        (("--seed", "7.5"), "'7.5' is not allowed: write an integer"),
        (("--customers", "0"), "'0' is not allowed: write an integer from 1 to 1000"),
        (("--patience-ms", "5s"), "'5s' is not allowed: write a number without a unit, from 1 to 60000"),
        (("--max-in-flight", "0"), "'0' is not allowed: write an integer from 1 to 20000"),
        (("--run-seconds", "-60"), "'-60' is not allowed: write a number without a unit, from 0.1 to 3600"),
        (("--pace", "0"), "'0' is not allowed: write a number without a unit, from 0.01 to 1"),
        (("--pace", "2"), "'2' is not allowed: write a number"),
        (("--run-seconds", "nan"), "'nan' is not allowed: write a number"),
        (("--start-at", "soon"), "'soon' is not allowed: write a number"),
        (("--arrivals", "bursty"), "invalid choice: 'bursty'"),
    ],
)
def test_a_bad_value_is_refused_with_what_is_allowed(arguments: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(argparse.ArgumentError, match=complaint):
        parsed(*arguments)


@pytest.mark.parametrize(
    ("arguments", "locust", "complaint"),
    [
        (("--record", "x"), {}, "--record belongs to a fixed schedule; say how long it is with --run-seconds"),
        (("--start-at", "1"), {}, "--start-at belongs to a fixed schedule"),
        (("--pace", "0.5"), {}, "--pace belongs to a fixed schedule"),
        (("--run-seconds", "5"), {"headless": False}, "plays a fixed schedule in one process: use --headless"),
        (("--run-seconds", "5"), {"worker": True}, "without --master, --worker"),
        (("--run-seconds", "5"), {"processes": 2}, "without --master, --worker"),
        (("--run-seconds", "5"), {"run_time": 5}, "--run-seconds and --run-time both end the run; allowed: one of them"),
        (("--run-seconds", "5"), {"num_users": 0}, "--users 0 for --run-seconds 5: allowed"),
        (("--run-seconds", "5"), {"num_users": -3}, "--users -3 for --run-seconds 5: allowed"),
        (("--run-seconds", "3600"), {"num_users": 500}, "--users 500 for --run-seconds 3600: allowed .* 1000000"),
        (
            ("--run-seconds", "5", "--start-at", "1000"),
            {},
            r"--start-at 1000.000 is -\d+.\d s from now; allowed: 0 to 600 s ahead",
        ),
        (("--run-seconds", "5", "--start-at", "99999999999"), {}, r"s from now; allowed: 0 to 600 s"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(
    arguments: tuple[str, ...], locust: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_schedule(parsed(*arguments, **{"headless": True, **locust}), HOST, 7)  # type: ignore[arg-type] # mixed on purpose


@pytest.mark.parametrize(
    "url", [None, "", "127.0.0.1:80", "https://127.0.0.1", "http://", "http://a:0", "http://[::1", "http://a/b"]
)
def test_a_host_that_is_no_base_url_is_refused(url: str | None) -> None:
    with pytest.raises(ValueError, match="is no base URL; --host takes http://name or http://name:port"):
        read_plan(parsed(), url, 7)


def test_servers_of_locust_listen_on_this_machine_alone_unless_told_otherwise() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert (parser.get_default("web_host"), parser.get_default("master_bind_host")) == ("127.0.0.1", "127.0.0.1")


def test_every_option_stays_plain_text_or_a_number_so_that_locust_can_send_it_to_its_workers() -> None:
    options = vars(parsed("--run-seconds", "5", "--record", "x", "--start-at", "1", "--seed", "3"))
    assert all(value is None or isinstance(value, str | int | float) for value in options.values())


def test_a_drawn_seed_is_one_that_can_be_given() -> None:
    assert parsed("--seed", str(draw_seed())).seed is not None
