"""After the load: waits, within bounds, until a system has caught up with what it deferred."""

from collections.abc import Callable

from chaos.invariants.audit import Audit
from chaos.invariants.one_courier import Outage, one_courier

ASK_EVERY_S = 0.25
_NO_OUTAGE = Outage(0.0, 0.0)


def settle(
    fetch: Callable[[], Audit | None], limit_s: float, now: Callable[[], float], sleep: Callable[[float], None]
) -> Audit | None:
    """The books once they balance, or as they are after `limit_s`. None when they could not be read in that time.

    That they balance is only why the waiting ends; the judgement is made later, from what is returned.
    """
    deadline = now() + limit_s
    latest: Audit | None = None
    while True:
        latest = fetch() or latest
        balanced = latest is not None and one_courier(latest, _NO_OUTAGE, answered=0).holds is not False
        if balanced or now() >= deadline:
            return latest
        sleep(ASK_EVERY_S)
