"""Cancels what a process left pending when it died, so that nobody's money is kept for an order that will not come."""

import asyncio
import logging

from services.kit.uncut import uncut
from services.orders.placing import OrderBook

_log = logging.getLogger(__name__)
INTERVAL_S = 2.0
BATCH = 50


async def sweep_for_ever(book: OrderBook) -> None:
    """Runs until cancelled. Replicas may sweep at the same time: a status is changed once."""
    while True:
        await asyncio.sleep(INTERVAL_S)
        try:
            await uncut(_sweep(book))
        except Exception:  # noqa: BLE001 - a sweeper that ended would be missed by nobody until money is.
            _log.exception("abandoned orders cannot be swept; trying again")


async def _sweep(book: OrderBook) -> None:
    for order in await book.store.abandoned(BATCH):
        if await book.cancel(order):
            _log.warning("order %s was left pending and is cancelled", order.id)
