"""Every invariant holds for whole books, and each way in which books can be broken is found by the one that is to find it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from chaos.invariants.catalogue import INVARIANTS, judge
from chaos.invariants.finding import InvariantFinding
from chaos.invariants.rows import (
    CourierRow,
    DeliveryRow,
    InboxRow,
    NotificationRow,
    PaymentRow,
    PopularRow,
    ReservationRow,
)

if TYPE_CHECKING:
    from tests.chaos.invariants.conftest import Ledgers

GOOD, LATE, UNDONE = "good", "late", "undone"
Spoil = Callable[["Ledgers"], "Ledgers"]


def lopsided(whole: "Ledgers") -> "Ledgers":
    entries = whole.books.ledger[0].entries
    return whole.change("ledger", 0, entries=(entries[0], entries[1].model_copy(update={"amount_cents": -1})))


def twice_captured(whole: "Ledgers") -> "Ledgers":
    return whole.add("ledger", whole.books.ledger[1].model_copy(update={"id": 99}))


def of_a_ghost(whole: "Ledgers") -> "Ledgers":
    return whole.add("ledger", whole.books.ledger[1].model_copy(update={"id": 99, "order_id": "ghost"}))


def unannounced(whole: "Ledgers") -> "Ledgers":
    return whole.drop_posted("outbox", "orders", 0).drop_posted("outbox", "orders", 0)


def published_again(whole: "Ledgers") -> "Ledgers":
    return whole.change_posted("outbox", "orders", 6, type="order.accepted", key=GOOD)


def undone_for_nothing(whole: "Ledgers") -> "Ledgers":
    return whole.change_order(2, status="confirmed", saga_state="done")


BREAKS: list[tuple[str, str, Spoil]] = [
    ("captured once", "1 without a payment", lambda b: b.drop("payments", 0)),
    ("captured once", "1 not captured", lambda b: b.change("payments", 0, state="authorised")),
    ("captured once", "1 captured for another amount", lambda b: b.change("payments", 0, amount_cents=1)),
    ("captured once", "1 without a capture in the ledger", lambda b: b.drop("ledger", 1)),
    ("captured once", "1 captured more than once", twice_captured),
    ("captured once", "1 not captured", undone_for_nothing),
    (
        "money accounted", "1 of an order that does not exist",
        lambda b: b.add("payments", PaymentRow(order_id="ghost", amount_cents=0, state="voided")),
    ),
    ("money accounted", "1 captured for an order that was not accepted", lambda b: b.change("payments", 2, state="captured")),
    ("money accounted", "1 captured for an order that was not accepted", lambda b: b.change("ledger", 5, kind="capture")),
    ("money accounted", "1 still held for a finished order", lambda b: b.change("payments", 2, state="authorised")),
    ("money accounted", "1 refunded of an accepted order", lambda b: b.change("ledger", 0, kind="refund")),
    ("ledger balanced", "1 that do not sum to zero", lopsided),
    ("ledger balanced", "1 together 2999 cents instead of 0", lopsided),
    ("ledger balanced", "1 that do not sum to zero", lambda b: b.change("ledger", 0, entries=())),
    ("ledger balanced", "1 of an order without a payment", of_a_ghost),
    ("ledger balanced", "1 of an order whose payment tells another story", lambda b: b.drop("ledger", 5)),
    ("ledger balanced", "1 of an order whose payment tells another story", lambda b: b.change("payments", 0, amount_cents=1)),
    ("ledger balanced", "1 of an order whose payment tells another story", twice_captured),
    ("portions conserved", "1 with portions that went missing", lambda b: b.change("stock", 0, left=6)),
    ("portions conserved", "1 with portions that went missing", lambda b: b.change("reservations", 2, state="reserved")),
    ("portions conserved", "1 with fewer than no portions left", lambda b: b.change("stock", 0, left=-1)),
    ("portions conserved", "1 reserved without being known", lambda b: b.drop("stock", 1)),
    ("portions conserved", "1 accepted orders without their portions", lambda b: b.drop("reservations", 0)),
    ("portions conserved", "1 accepted orders without their portions", lambda b: b.change("reservations", 0, lines=())),
    (
        "portions conserved", "1 reservations of an order that was not accepted",
        lambda b: b.add("reservations", ReservationRow(order_id="ghost", state="reserved", lines=())),
    ),
    ("couriers bound", "1 without a courier", lambda b: b.change("deliveries", 0, state="withdrawn")),
    ("couriers bound", "1 without a courier", lambda b: b.change_order(1, status="awaiting_courier").drop("deliveries", 1)),
    (
        "couriers bound", "1 with several couriers",
        lambda b: b.add("deliveries", DeliveryRow(order_id=GOOD, courier_id=3, state="assigned")),
    ),
    ("couriers bound", "1 couriers bound to an order that was not", lambda b: b.change("deliveries", 2, state="assigned")),
    (
        "couriers bound", "1 couriers bound to an order that was not",
        lambda b: b.add("deliveries", DeliveryRow(order_id="ghost", courier_id=3, state="assigned")),
    ),
    ("couriers bound", "1 couriers whose load is not what they bring", lambda b: b.change("couriers", 2, assigned=1)),
    ("events once", "1 sent and never handled", lambda b: b.drop_posted("inbox", "restaurants", 0)),
    ("events once", "1 handled though never published", lambda b: b.drop_posted("outbox", "deliveries", 0)),
    ("events once", "1 published more than once", published_again),
    ("events once", "1 accepted orders that nobody was told of", unannounced),
    ("events once", "1 of an order that does not exist", lambda b: b.change_posted("inbox", "orders", 0, key="ghost")),
    ("told once", "1 that nobody was told of", lambda b: b.drop("notifications", 2)),
    ("told once", "1 told more than once", lambda b: b.add("notifications", b.books.notifications[0])),
    ("told once", "1 told though not handled", lambda b: b.change("notifications", 0, event_id="e99")),
    ("told once", "1 told of an order that does not exist", lambda b: b.change("notifications", 0, order_id="ghost")),
    ("popular counted", "1 counted too low", lambda b: b.drop("popular", 1)),
    ("popular counted", "1 counted too high", lambda b: b.change("popular", 0, ordered=4)),
    ("popular counted", "1 counted too high", lambda b: b.add("popular", PopularRow(dish_id=103, ordered=1))),
    ("sagas finished", "1 open for more than 60 s", lambda b: b.change_order(2, saga_state="compensating")),
    ("sagas finished", "1 finished though still pending", lambda b: b.change_order(2, status="pending")),
    ("sagas finished", "1 undone though accepted", lambda b: b.change_order(0, saga_state="undone")),
]  # fmt: skip


def test_whole_books_hold_in_every_way(whole: "Ledgers") -> None:
    findings = judge(whole.books)
    assert {name: finding.holds for name, finding in findings.items()} == dict.fromkeys(INVARIANTS, True)
    assert {name: finding.offenders for name, finding in findings.items()} == dict.fromkeys(INVARIANTS, ())


@pytest.mark.parametrize(("name", "said", "spoil"), BREAKS)
def test_broken_books_are_found_out_by_the_invariant_that_is_to(whole: "Ledgers", name: str, said: str, spoil: Spoil) -> None:
    finding = INVARIANTS[name](spoil(whole).books)
    assert finding.holds is False
    assert said in finding.sentence
    assert finding.offenders


def test_every_invariant_has_a_way_to_be_broken() -> None:
    assert {name for name, _, _ in BREAKS} == set(INVARIANTS)


@pytest.mark.parametrize("name", INVARIANTS)
def test_an_empty_system_has_nothing_to_judge(whole: "Ledgers", name: str) -> None:
    empty = type(whole.books)(read_at=0.0, first_orders=(), orders=())
    finding: InvariantFinding = INVARIANTS[name](empty)
    assert finding.holds is None
    assert finding.sentence.startswith("no ")


def test_what_holds_is_told_in_one_sentence_with_its_count(whole: "Ledgers") -> None:
    findings = judge(whole.books)
    assert findings["captured once"].sentence == "each of 2 accepted orders was captured exactly once"
    assert findings["portions conserved"].sentence == "each of 2 dishes has all its portions, left or reserved"
    assert findings["events once"].sentence == "each of 9 addressed events was handled exactly once"


def test_courier_on_the_way_is_a_courier(whole: "Ledgers") -> None:
    asked = whole.change_order(1, status="awaiting_courier").change_posted("outbox", "orders", 4, sent=False)
    asked = (
        asked.drop_posted("inbox", "deliveries", 0)
        .drop("deliveries", 1)
        .drop("first_deliveries", 1)
        .change("couriers", 1, assigned=0)
    )
    finding = INVARIANTS["couriers bound"](asked.books)
    assert finding.holds is True
    assert finding.sentence == "each of 2 accepted orders has exactly one courier, 1 of them will have"
    assert finding.numbers["awaiting"] == 1


def test_events_that_wait_and_dead_letters_are_counted_and_break_nothing(whole: "Ledgers") -> None:
    aside = whole.change_posted("outbox", "orders", 0, sent=False).drop_posted("inbox", "notifications", 0)
    aside = aside.change_posted("inbox", "restaurants", 0, state="dead").drop("notifications", 0)
    finding = INVARIANTS["events once"](aside.books)
    assert finding.holds is True
    assert finding.sentence.endswith("was handled exactly once, but for 1 still waiting and 1 dead letters")
    assert INVARIANTS["told once"](aside.books).holds is True
    assert INVARIANTS["popular counted"](aside.change("popular", 0, ordered=1).books).holds is None


def test_an_event_at_a_broker_waits_a_while_and_is_lost_then(whole: "Ledgers") -> None:
    through = whole.drop_posted("inbox", "deliveries", 0)
    through = through.change_posted("outbox", "orders", 4, destination="nats")
    assert INVARIANTS["events once"](through.books).holds is True
    old = through.change_order(1, created_at=whole.books.read_at - 121)
    assert "1 sent and never handled" in INVARIANTS["events once"](old.books).sentence


MOVED: list[tuple[str, Spoil]] = [
    ("captured once", lambda b: b.change("payments", 0, state="refunded")),
    ("money accounted", lambda b: b.change("payments", 0, state="authorised")),
    ("ledger balanced", lambda b: b.drop("ledger", 1)),
    ("portions conserved", lambda b: b.change("stock", 0, left=9)),
    ("couriers bound", lambda b: b.change("deliveries", 0, state="withdrawn")),
    ("couriers bound", lambda b: b.change("couriers", 0, assigned=5)),
    ("events once", lambda b: b.drop_posted("inbox", "restaurants", 0)),
    ("told once", lambda b: b.drop("notifications", 0)),
    ("popular counted", lambda b: b.change("popular", 0, ordered=1)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "spoil"), MOVED)
def test_orders_that_move_while_the_books_are_read_are_too_young_to_judge(whole: "Ledgers", name: str, spoil: Spoil) -> None:
    spoilt = spoil(whole)
    assert INVARIANTS[name](spoilt.books).holds is False
    for moved in (
        spoilt.change("first_orders", 0, status="awaiting_courier"),
        spoilt.drop("first_orders", 0),
        spoilt.change_order(0, saga_state="compensating"),
    ):
        finding = INVARIANTS[name](moved.books)
        assert finding.holds is not False, finding.sentence


def test_those_that_were_not_judged_are_counted(whole: "Ledgers") -> None:
    finding = INVARIANTS["captured once"](whole.drop("first_orders", 0).books)
    assert finding.sentence == "each of 1 accepted order was captured exactly once (1 too young to judge)"
    assert finding.numbers["too_young"] == 1


def test_a_courier_whose_assignments_changed_meanwhile_is_not_judged(whole: "Ledgers") -> None:
    changed = (
        whole.change("couriers", 0, assigned=0)
        .change("first_deliveries", 0, courier_id=2)
        .add("couriers", CourierRow(courier_id=9, assigned=0))
    )
    assert INVARIANTS["couriers bound"](changed.books).holds is True


def test_an_order_is_only_stuck_when_it_was_open_all_the_time(whole: "Ledgers") -> None:
    finding = INVARIANTS["sagas finished"](whole.change("orders", 1, status="cancelled", saga_state="compensating").books)
    assert finding.holds is True
    assert finding.sentence == "each of 2 orders is done or undone (1 too young to judge)"


def test_what_outboxes_have_forgotten_is_not_missed(whole: "Ledgers") -> None:
    forgotten = whole
    for position in range(3):
        forgotten = forgotten.change_order(position, created_at=whole.books.read_at - 4_000)
    for service, count in (("orders", 8), ("deliveries", 1)):
        for _ in range(count):
            forgotten = forgotten.drop_posted("outbox", service, 0)
    for service, count in (("notifications", 4), ("restaurants", 3), ("orders", 1), ("deliveries", 1)):
        for _ in range(count):
            forgotten = forgotten.drop_posted("inbox", service, 0)
    assert all(finding.holds is not False for finding in judge(forgotten.books).values())


def test_what_notifications_forgets_of_a_busy_customer_is_not_missed(whole: "Ledgers") -> None:
    busy = whole.drop("notifications", 0)
    assert INVARIANTS["told once"](busy.books).holds is False
    for number in range(500):
        busy = busy.add("notifications", NotificationRow(event_id=f"n{number}", order_id=GOOD, customer_id=7))
    old = busy
    for position in range(3):
        old = old.change_order(position, created_at=whole.books.read_at - 4_000)
    assert INVARIANTS["told once"](old.books).holds is None


def test_a_dead_letter_that_could_not_even_be_read_is_counted_and_breaks_nothing(whole: "Ledgers") -> None:
    unread = InboxRow(event_id="e99", type="unreadable", key="unreadable", state="dead")
    finding = INVARIANTS["events once"](whole.add_posted("inbox", "orders", unread).books)
    assert (finding.holds, finding.count("dead")) == (True, 1)
