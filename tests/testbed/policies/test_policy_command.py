"""`testbed policy`, as people use it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.testbed.policies.conftest import FakeSystem, Policy

EDGE = "orders->payments"


def words(line: str) -> list[str]:
    return re.split(r"  +", line.strip())


def rows(out: str) -> list[list[str]]:
    return [words(line) for line in out.splitlines() if line.strip() and "───" not in line]


def test_what_is_in_force_is_shown_edge_by_edge_and_for_each_service_with_a_limit(policy: Policy) -> None:
    code, out, _err = policy()
    assert code == 0
    assert rows(out) == [
        ["Started with profile declared; changes in force: none."],
        ["edge", "in force", "not as in the map"],
        ["shop->orders", "deadline, retry, breaker, balancer, timeout"],
        ["orders->payments", "deadline, bulkhead, retry, timeout"],
        ["service", "in force", "not as in the map"],
        ["payments", "limit"],
    ]


def test_a_change_is_said_with_where_until_when_and_how_to_undo_it_and_then_shown(policy: Policy, system: FakeSystem) -> None:
    code, out, _err = policy("set", EDGE, "retry.max_attempts=5", "hedge.delay=100ms", "--for", "90s")
    assert code == 0
    first, *rest = out.splitlines()
    assert re.fullmatch(r"retry\.max_attempts=5 hedge\.delay=100ms at orders->payments until \d\d:\d\d:\d\d \(90s\)", first)
    assert rest == [
        "  in:    orders/1, orders/2",
        f"  undo:  testbed policy reset '{EDGE}' --state {system.state}",
        f"  watch: testbed policy '{EDGE}' --state {system.state}",
    ]
    system.now_s += 30
    shown = rows(policy()[1])
    assert ["orders->payments", "deadline, bulkhead, retry, hedge, timeout", "with hedge"] in shown
    assert ["retry.max_attempts 5, not 2"] in shown
    assert ["retry.max_attempts=5 hedge.delay=100ms", EDGE, "60.0 s", "testbed policy set"] in shown


def test_one_edge_is_shown_parameter_by_parameter_beside_the_map(policy: Policy, system: FakeSystem) -> None:
    for change in (("set", EDGE, "retry.max_attempts=5"), ("without", f"bulkhead@{EDGE}"), ("without", "breaker")):
        policy(*change)
        system.now_s += 1
    policy("set", "payments", "limit.max_limit=30")
    shown = rows(policy(EDGE)[1])
    assert shown[0] == [EDGE, "in the map", "in force"]
    assert ["deadline", "1.5s", "1.5s"] in shown
    assert ["retry.max_attempts", "2", "5", "differs"] in shown
    assert ["bulkhead.max_concurrent", "40", "off", "differs"] in shown
    assert ["Off, and in the map too: throttle, budget, hedge, breaker, balancer, outlier_ejection, fallback"] in shown
    assert [row[:2] for row in shown[-3:]] == [
        ["retry.max_attempts=5", EDGE],
        ["without bulkhead", EDGE],
        ["without breaker", "everywhere"],
    ]


def test_a_service_s_limit_is_shown_parameter_by_parameter(policy: Policy) -> None:
    policy("set", "payments", "limit.max_limit=30")
    assert ["limit.max_limit", "60", "30", "differs"] in rows(policy("payments")[1])
    assert rows(policy("shop")[1]) == [["Off, and in the map too: limit"]]


def test_a_profile_is_put_in_force_everywhere(policy: Policy) -> None:
    code, out, _err = policy("profile", "timeouts_only")
    assert code == 0
    assert out.startswith("profile timeouts_only everywhere until ")
    shown = rows(policy()[1])
    assert ["orders->payments", "timeout", "without deadline, bulkhead, retry"] in shown
    assert ["payments", "nothing", "without limit"] in shown


def test_what_is_switched_off_everywhere_or_at_a_service_is_off_there(policy: Policy, system: FakeSystem) -> None:
    policy("without", "retry")
    policy("without", "limit@payments")
    assert system.parameter("shop/1", "shop->orders", "retry.max_attempts") is None
    assert system.parameter("orders/2", EDGE, "retry.max_attempts") is None
    assert [system.live[name].snapshot().limit for name in ("payments/1", "payments/2")] == [{}, {}]


def test_a_reset_ends_what_was_changed_at_a_place_or_everything(policy: Policy, system: FakeSystem) -> None:
    policy("set", EDGE, "retry.max_attempts=5")
    policy("set", EDGE, "deadline=1s")
    policy("set", "shop->orders", "retry.max_attempts=4")
    policy("profile", "none")
    assert policy("reset", EDGE)[1] == f"Ended 2 changes at {EDGE}.\n"
    assert (
        policy("reset", EDGE)[1] == f"Nothing was changed at {EDGE} alone; changes made everywhere end by: testbed policy reset\n"
    )
    assert policy("reset")[1] == "Ended 2 changes.\n"
    assert policy("reset")[1] == "Nothing was changed.\n"
    assert system.parameter("shop/1", "shop->orders", "retry.max_attempts") == "2"


def test_what_one_replica_refuses_is_taken_back_from_the_others(policy: Policy, system: FakeSystem) -> None:
    policy("set", EDGE, "deadline=5s")
    system.restart("orders/2")
    code, out, err = policy("set", EDGE, "timeout.attempt=3s")
    assert (code, out) == (2, "")
    assert err == (
        f"testbed: orders/2 refused: {EDGE}: timeout.attempt (3s) is longer than deadline (1.5s): "
        "the attempt could never use its time; nothing was changed\n"
    )
    assert [system.parameter(name, EDGE, "timeout.attempt") for name in ("orders/1", "orders/2")] == ["600ms", "600ms"]


def test_a_replica_that_was_started_again_is_told_from_those_that_hold_a_change(policy: Policy, system: FakeSystem) -> None:
    policy("set", EDGE, "retry.max_attempts=5")
    system.restart("orders/2")
    shown = rows(policy()[1])
    assert shown[4][:1] == ["in orders/1"]
    assert "retry.max_attempts 5, not 2" in shown[3]
    assert ["in orders/2"] in shown
    assert ["not in orders/2, started again since"] in shown
    assert [EDGE, "in the map", "in orders/1", "in orders/2"] in rows(policy(EDGE)[1])
    assert ["retry.max_attempts", "2", "5", "2", "differs"] in rows(policy(EDGE)[1])


def test_a_replica_that_does_not_answer_is_named_and_nothing_changes_elsewhere(policy: Policy, system: FakeSystem) -> None:
    system.silent.add("orders/2")
    code, _out, err = policy("set", EDGE, "retry.max_attempts=5", "--for", "20s")
    assert code == 2
    assert "orders/2 did not answer within 0.7 s (paused or overloaded?); nothing was changed, or if it was taken in there" in err
    assert "it ends by itself within 20s" in err
    assert system.parameter("orders/1", EDGE, "retry.max_attempts") == "2"


def test_what_is_in_force_in_a_silent_replica_is_not_known(policy: Policy, system: FakeSystem) -> None:
    system.silent.add("shop/1")
    code, out, err = policy()
    assert code == 2
    assert ["shop->orders", "not known"] in rows(out)
    assert err == "testbed: shop/1 did not answer (paused or overloaded?): what is in force there is not known\n"
    code, out, err = policy("reset")
    assert (code, out) == (2, "Nothing was changed.\n")
    assert err == "testbed: shop/1 did not answer: changes there, if any, end when their time is up\n"


def test_a_place_of_which_no_process_runs_is_not_shown_as_if_it_were_known(policy: Policy, system: FakeSystem) -> None:
    system.down("payments/1")
    system.down("payments/2")
    shown = rows(policy("payments")[1])
    assert shown[0] == ["payments", "in the map", "in force"]
    assert ["limit.max_limit", "60", "not known"] in shown
    assert shown[-1] == ["No process of payments answered, so that what is in force is not known."]


def test_options_may_stand_before_the_command(policy: Policy, system: FakeSystem) -> None:
    policy("set", EDGE, "deadline=1s")
    assert json.loads(policy("--json", "--state", str(system.state), "reset", EDGE)[1]) == {"ended": 1, "silent": []}


def test_one_that_is_paused_on_order_is_not_asked(policy: Policy, system: FakeSystem) -> None:
    system.paused.add("orders/2")
    assert policy()[0] == 0
    assert policy("set", EDGE, "deadline=1s")[2] == "testbed: orders/2 is paused; end its fault first: chaos heal orders/2\n"


def test_a_change_is_made_in_all_processes_or_in_none(policy: Policy, system: FakeSystem) -> None:
    system.down("payments/2")
    for arguments in (("set", "payments", "limit.max_limit=30"), ("profile", "none"), ("without", "limit")):
        assert policy(*arguments)[2] == "testbed: payments/2 is down; wait until it is up\n"
    assert policy("without", "retry")[0] == 0


def test_programs_are_told_the_same(policy: Policy) -> None:
    made = json.loads(policy("set", EDGE, "retry.max_attempts=5", "--json")[1])
    assert (made["lease_ms"], made["instances"]) == (60_000, ["orders/1", "orders/2"])
    told = json.loads(policy("--json")[1])
    assert (told["profile"], told["without"], told["silent"]) == ("declared", [], [])
    assert list(told["places"]) == ["shop->orders", EDGE, "shop", "orders", "payments"]
    place = told["places"][EDGE]
    assert place["declared"]["retry.max_attempts"] == "2"
    assert {name: values["retry.max_attempts"] for name, values in place["in_force"].items()} == {
        "orders/1": "5",
        "orders/2": "5",
    }
    assert told["changes"] == [
        {
            "id": made["id"],
            "change": {"kind": "set", "place": EDGE, "values": {"retry.max_attempts": "5"}},
            "left_ms": {"orders/1": 60_000, "orders/2": 60_000},
            "missing": [],
            "source": "testbed policy set",
        }
    ]
    assert list(json.loads(policy("shop", "--json")[1])["places"]) == ["shop"]
    assert json.loads(policy("reset", "--json")[1]) == {"ended": 1, "silent": []}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ("order->payments",),
            "unknown edge 'order->payments' (did you mean orders->payments?); allowed: shop->orders, orders->pa",
        ),
        (
            ("rest",),
            "unknown service 'rest' (did you mean orders?); allowed: shop, orders, payments; or a command: set, without",
        ),
        (
            ("sett", EDGE, "deadline=1s"),
            "'sett' is no command (did you mean set?); allowed: profile, reset, set, without, or one pl",
        ),
        ((EDGE, "shop->orders"), f"'{EDGE}' is no command; allowed: profile, reset, set, without, or one place alone"),
        (("without", "retry@orders-"), "'retry@orders-' names an edge that lost its end: the shell redirects at >, so quote it"),
        (("set", "orders-", "deadline=1s"), "'orders-' is an edge that lost its end: the shell redirects at >, so quote it"),
        (("set", "orders/1", "deadline=1s"), "orders/1: all replicas of a service have the same policy; name orders"),
        (("set", EDGE), "Missing argument 'PATTERN.PARAMETER=VALUE...'"),
        (("set", EDGE, "retry"), "'retry' is no assignment; write PATTERN.PARAMETER=VALUE, such as retry.max_attempts=5"),
        (("set", EDGE, f"deadline={'1' * 300}s"), "is longer than any key or value (200 characters)"),
        (
            ("set", EDGE, *(f"a.{number}=1" for number in range(65))),
            "65 assignments are more than there are parameters (64 at most)",
        ),
        (
            ("set", EDGE, "retry.max_attempt=5"),
            "orders/1 refused: orders->payments: unknown parameter retry.max_attempt (did you mean",
        ),
        (("set", "payments", "retry.max_attempts=5"), "payments/1 refused: payments: retry protects an edge: name an edge"),
        (("set", EDGE, "limit.max_limit=5"), "limit protects a service from all of its callers: name a service, not an edge"),
        (("without", "braker"), "'braker' is no pattern; allowed: deadline, throttle"),
        (("without", f"limit@{EDGE}"), "'orders->payments' is no service; allowed: shop, orders, payments"),
        (("profile", "some"), "'some' is not one of 'declared', 'timeouts_only', 'none'"),
        (("set", EDGE, "deadline=1s", "--for", "2h"), "'2h' is out of range; allowed: above zero, up to 1h"),
        (("set", EDGE, "deadline=1s", "--for", "60"), "'60' is not a duration; write a positive number and a unit"),
    ],
)
def test_bad_input_is_one_clear_sentence_and_changes_nothing(
    policy: Policy, system: FakeSystem, arguments: tuple[str, ...], complaint: str
) -> None:
    code, out, err = policy(*arguments)
    assert (code, out) == (2, "")
    assert complaint in err
    assert err.startswith("testbed: ")
    assert err.count("\n") == 1
    assert all(not live.snapshot().leases for live in system.live.values())


def test_help_names_the_commands_and_what_a_place_is(policy: Policy) -> None:
    code, out, _err = policy("--help")
    assert code == 0
    assert out.startswith("Usage: testbed policy [PLACE] [--json] [--target NAME] | COMMAND ...")
    assert [line.split()[0] for line in out.partition("Commands:")[2].splitlines()[1:]] == ["profile", "reset", "set", "without"]
