"""When a look at the books is believed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from chaos.http_get import FetchError
from chaos.invariants.books import Books
from chaos.invariants.finding import InvariantFinding
from chaos.invariants.verification import Verification, verify

if TYPE_CHECKING:
    from tests.chaos.invariants.conftest import Ledgers


@dataclass
class Day:
    """Reads one look after the other, then the last again and again; time passes only in sleep."""

    looks: list[Books | FetchError]
    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def read(self) -> Books:
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, FetchError):
            raise look
        return look

    def sleep(self, duration_s: float) -> None:
        self.slept.append(duration_s)
        self.now += duration_s

    def verify(self, wait_s: float) -> Verification:
        return verify(self.read, wait_s, lambda: self.now, self.sleep)


def test_whole_and_quiet_books_are_looked_at_once(whole: "Ledgers") -> None:
    day = Day([whole.books])
    done = day.verify(30)
    assert (done.broken, done.looks, day.slept, done.is_quiet) == ((), 1, [], True)


def test_what_is_broken_for_a_moment_is_not_believed(whole: "Ledgers") -> None:
    done = Day([whole.drop("payments", 0).books, whole.books]).verify(30)
    assert (done.broken, done.looks) == ((), 2)


def test_what_stays_broken_is_believed_when_the_time_is_over(whole: "Ledgers") -> None:
    done = Day([whole.drop("payments", 0).books]).verify(2)
    assert "captured once" in done.broken
    assert done.took_s == pytest.approx(2)


def underway(whole: "Ledgers") -> list["Ledgers"]:
    waiting = whole.change_posted("outbox", "orders", 0, sent=False).drop_posted("inbox", "notifications", 0)
    open_saga = whole.change_order(2, saga_state="compensating", created_at=whole.books.read_at)
    return [waiting.drop("notifications", 0), open_saga]


@pytest.mark.parametrize("which", [0, 1])
def test_what_is_under_way_is_waited_for_where_nobody_orders(whole: "Ledgers", which: int) -> None:
    done = Day([underway(whole)[which].books, whole.books]).verify(30)
    assert (done.looks, done.is_quiet) == (2, True)


@pytest.mark.parametrize("which", [0, 1])
def test_what_never_finishes_is_told_after_the_wait(whole: "Ledgers", which: int) -> None:
    done = Day([underway(whole)[which].books]).verify(3)
    assert not done.is_quiet
    assert done.took_s == pytest.approx(3)


def test_a_system_in_use_is_not_waited_for(whole: "Ledgers") -> None:
    before = underway(whole)[1].books
    new = before.orders[0].model_copy(update={"id": "new", "saga_state": "running", "status": "pending"})
    after = underway(whole)[1].add("orders", new).books
    done = Day([before, after]).verify(30)
    assert (done.looks, done.broken, done.is_quiet) == (2, (), False)


def test_books_that_cannot_be_read_for_a_moment_are_read_again(whole: "Ledgers") -> None:
    assert Day([FetchError("GET x: refused"), whole.books]).verify(30).looks == 2


def test_books_that_cannot_be_read_at_the_end_are_an_error() -> None:
    day = Day([FetchError("GET x: refused")])
    with pytest.raises(FetchError, match="GET x: refused"):
        day.verify(1)
    assert day.now == pytest.approx(1)


def test_other_invariants_can_be_judged_as_well(whole: "Ledgers") -> None:
    def judging(_books: Books) -> Mapping[str, InvariantFinding]:
        return {"mine": InvariantFinding(False, "no")}

    assert verify(lambda: whole.books, 0, lambda: 0.0, lambda _s: None, judging).broken == ("mine",)
