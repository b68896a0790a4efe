"""Looks at the books until they hold, or until the time for that is over."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chaos.http_get import FetchError
from chaos.invariants.books import Books
from chaos.invariants.catalogue import judge
from chaos.invariants.finding import InvariantFinding

LOOK_EVERY_S = 0.25

Judge = Callable[[Books], Mapping[str, InvariantFinding]]


@dataclass(frozen=True)
class Verification:
    """The last look.

    Attributes:
        findings: By the name of the invariant.
        books: What was looked at.
        looks: How often the books were read.
        took_s: From the first look's beginning to the last one's end.
    """

    findings: Mapping[str, InvariantFinding]
    books: Books
    looks: int
    took_s: float

    @property
    def broken(self) -> tuple[str, ...]:
        """Names of the invariants that do not hold."""
        return tuple(name for name, finding in self.findings.items() if finding.holds is False)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is under way: every order is finished, no event waits, no order awaits its courier."""
        underway = ("waiting", "awaiting")
        waits = any(finding.count(each) for finding in self.findings.values() for each in underway)
        return not self.books.moving and not waits


def verify(
    read: Callable[[], Books],
    wait_s: float,
    now: Callable[[], float],
    sleep: Callable[[float], None],
    judging: Judge = judge,
) -> Verification:
    """Reads and judges until every invariant holds and nothing is under way, or `wait_s` is over.

    A system whose orders grow from one look to the next is in use and is never quiet: there it is enough that all hold. What is
    broken is only believed once the time is over, for a service that restarts tells half a story for a moment.

    Args:
        read: Reads all books; raises FetchError.
        wait_s: How long to go on, in seconds; there is always one look.
        now: Any clock that only goes forward, seconds.
        sleep: Waits so many seconds.
        judging: The invariants.

    Raises:
        FetchError: The books could not be read at the last look.
    """
    began, looks, orders = now(), 0, -1
    while True:
        looks += 1
        try:
            books = read()
        except FetchError:
            if now() - began >= wait_s:
                raise
        else:
            done = Verification(judging(books), books, looks, now() - began)
            in_use = 0 <= orders < len(books.orders)
            orders = len(books.orders)
            if now() - began >= wait_s or (not done.broken and (in_use or done.is_quiet)):
                return done
        sleep(LOOK_EVERY_S)
