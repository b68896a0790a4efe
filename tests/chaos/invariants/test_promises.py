"""Nothing is lost or doubled against what customers were told."""

from typing import TYPE_CHECKING

from chaos.invariants.promises_kept import Intent, Told, promises_kept

if TYPE_CHECKING:
    from tests.chaos.invariants.conftest import Ledgers

GOOD, LATE, UNDONE = "good", "late", "undone"


def told(key: str, *orders: str, refused: bool = False) -> Intent:
    return Intent(key, 7, frozenset(orders), refused)


KEPT = (told("k1", GOOD), told("k2", LATE), told("k3", refused=True))


def test_promises_that_are_in_the_books_hold(whole: "Ledgers") -> None:
    finding = promises_kept(whole.books, Told(KEPT))
    assert finding.holds is True
    assert finding.sentence == "each of 2 promised orders is there, once"
    assert finding.numbers["refused"] == 1


def test_a_promised_order_that_is_not_there_is_lost(whole: "Ledgers") -> None:
    finding = promises_kept(whole.books, Told((*KEPT, told("k4", "ghost"))))
    assert finding.sentence == "of 3 promised orders: 1 lost"
    assert finding.offenders == ("ghost",)


def test_a_promised_order_that_was_cancelled_by_itself_is_lost(whole: "Ledgers") -> None:
    assert "1 lost" in promises_kept(whole.books, Told((*KEPT, told("k4", UNDONE)))).sentence


def test_a_promised_order_that_its_customer_cancelled_is_not_lost(whole: "Ledgers") -> None:
    asked = Told((*KEPT, told("k4", UNDONE)), frozenset({UNDONE}))
    assert promises_kept(whole.books, asked).holds is True


def test_an_order_that_is_cancelled_by_word_and_comes_all_the_same_is_found_out(whole: "Ledgers") -> None:
    asked = Told(KEPT, frozenset({GOOD}), frozenset({GOOD}))
    assert promises_kept(whole.books, asked).sentence == "of 2 promised orders: 1 coming though cancelled"


def test_one_key_has_one_answer(whole: "Ledgers") -> None:
    both = (told("k1", GOOD, refused=True), told("k2", LATE))
    assert "1 accepted and refused under one key" in promises_kept(whole.books, Told(both)).sentence
    assert promises_kept(whole.books, Told(both, frozenset({GOOD}))).holds is True


def test_a_key_that_was_answered_with_two_orders_has_doubled_one(whole: "Ledgers") -> None:
    finding = promises_kept(whole.books, Told((told("k1", GOOD, LATE),)))
    assert "2 doubled under one key" in finding.sentence


def test_an_accepted_order_that_nobody_was_told_of_needs_a_key_that_explains_it(whole: "Ledgers") -> None:
    unexplained = promises_kept(whole.books, Told((told("k1", GOOD), told("k2", refused=True))))
    assert "1 placed though nobody asked" in unexplained.sentence
    assert unexplained.offenders == (LATE,)
    explained = promises_kept(whole.books, Told((told("k1", GOOD), told("k2"))))
    assert explained.holds is True
    assert explained.numbers["unknown"] == 1


def test_without_a_promise_there_is_nothing_to_judge(whole: "Ledgers") -> None:
    assert promises_kept(whole.books, Told((told("k1"), told("k2")))).holds is None
