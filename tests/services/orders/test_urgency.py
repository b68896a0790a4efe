"""What orders asks of payments, and how urgent it says that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from services.kit.resilience.shed import room_for
from services.orders.clients import Payments

if TYPE_CHECKING:
    from services.kit.caller import Caller
    from services.kit.message import Outgoing

LIMIT = 12


class Asked:
    """A caller that only notes what it is asked to send."""

    def __init__(self) -> None:
        self.outgoing: list[Outgoing] = []

    async def call(self, callee: str, outgoing: Outgoing, *_: object) -> None:
        self.outgoing.append(outgoing)


async def test_a_busy_payments_service_turns_away_what_begins_before_what_ends() -> None:
    asked = Asked()
    payments = Payments(cast("Caller", asked))
    await payments.authorise("o-1", 1, 1_000)
    await payments.capture("o-1")
    await payments.void("o-1")
    await payments.refund("o-1")
    rooms = [room_for(outgoing.urgency or 0, LIMIT) for outgoing in asked.outgoing]
    assert rooms == [9, LIMIT, LIMIT, LIMIT]
