"""After the load: waits, within bounds, until a system has caught up with what it deferred."""

from collections.abc import Callable

from chaos.invariants.books import Books
from chaos.invariants.catalogue import judge
from chaos.invariants.verification import Verification

ASK_EVERY_S = 0.5
"""A look reads all books, which is work for the system as well."""


def settle(
    fetch: Callable[[], Books | None], limit_s: float, now: Callable[[], float], sleep: Callable[[float], None]
) -> Books | None:
    """The books once every invariant holds and nothing is under way, or as they are after `limit_s`; None if none could be read.

    That they hold is only why the waiting ends; the judgement is made later, from what is returned.
    """
    deadline = now() + limit_s
    latest: Books | None = None
    while True:
        latest = fetch() or latest
        if now() >= deadline or (latest is not None and _is_settled(latest)):
            return latest
        sleep(ASK_EVERY_S)


def _is_settled(books: Books) -> bool:
    look = Verification(judge(books), books, looks=1, took_s=0.0)
    return not look.broken and look.is_quiet
