"""What deliveries does when it is told that an accepted order waits for a courier."""

import logging
import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.deliveries.domain import AssignmentRefusedError
from services.deliveries.schemas import CourierAssigned, CourierWanted
from services.deliveries.store import assign
from services.kit.events.event import Event, UnreadableEventError
from services.kit.events.publisher import Publisher

COURIER_WANTED: Final = "order.courier_wanted"
COURIER_ASSIGNED: Final = "courier.assigned"
_ORDER_ID = re.compile(r"[0-9a-f-]{36}")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DeferredAssignment:
    """Handles `order.courier_wanted`."""

    outbox: Publisher

    async def __call__(self, connection: AsyncConnection, event: Event) -> None:
        """Assigns a courier and says so. An order that was withdrawn meanwhile gets none, and that is all there is to do.

        An order that has one already, from a call whose answer was lost, is told of as well: its sender still waits for it.
        """
        if not _ORDER_ID.fullmatch(event.key):
            raise UnreadableEventError(f"the key of {event.type} is no order id")
        wanted = event.parse(CourierWanted)
        try:
            made = await assign(connection, event.key, wanted.customer_id)
        except AssignmentRefusedError as error:
            _log.info("no courier: %s", error)
            return
        told = CourierAssigned(customer_id=made.customer_id, courier_id=made.courier_id)
        await self.outbox.publish(connection, COURIER_ASSIGNED, key=event.key, payload=told)
