"""Where reserved portions are kept: one row an order, so that an order cannot take its portions twice.

Every writer takes the order's own row first and then portions in the order of dish ids, so that no two wait for each other.
"""

from dataclasses import dataclass

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.database import Database
from services.kit.rows import insert_new
from services.kit.uncut import whole
from services.restaurants.domain import (
    Line,
    Reservation,
    ReservationRefusedError,
    ReservationState,
    RestaurantUnknownError,
    merged,
    repeated,
    total_cents,
)
from services.restaurants.store import dishes, reservations, stock

# Made once: to make a statement costs several times what it costs to execute.
_FIND = select(reservations).where(reservations.c.order_id == bindparam("order_id_"))
_PRICES = select(dishes.c.id, dishes.c.price_cents).where(dishes.c.restaurant_id == bindparam("restaurant_id_"))
_TAKE = (
    update(stock)
    .where(stock.c.dish_id == bindparam("dish_id_"), stock.c.left >= bindparam("quantity_"))
    .values(left=stock.c.left - bindparam("quantity_"))
)


@dataclass(frozen=True)
class Stock:
    """Portions of one dish."""

    dish_id: int
    initial: int
    left: int


class ReservationStore:
    """Reservations by order, and the portions that are left."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @whole
    async def reserve(self, order_id: str, restaurant_id: int, lines: tuple[Line, ...]) -> Reservation:
        """Takes all portions of a basket or none, once however often it is asked.

        Raises:
            RestaurantUnknownError: There is no such restaurant.
            BasketRefusedError: A dish is not on its menu, or too much of one is wanted.
            ReservationRefusedError: Sold out, released before, or another basket than the one reserved before.
        """
        wanted = merged(lines)
        async with self._database.write() as connection:
            existing = await _find(connection, order_id)
            if existing:
                return repeated(existing, restaurant_id, wanted)
            total = total_cents(await _prices_cents(connection, restaurant_id), wanted)
            reservation = Reservation(order_id, restaurant_id, wanted, total, ReservationState.RESERVED)
            if not await insert_new(connection, reservations, _values(reservation)):
                # Another replica was asked at the same moment, and was first.
                return repeated(await _get(connection, order_id), restaurant_id, wanted)
            for line in wanted:
                await _take(connection, line)
            return reservation

    @whole
    async def release(self, order_id: str) -> None:
        """Gives an order's portions back, or makes sure that it never gets any."""
        tombstone = Reservation(order_id, 0, (), 0, ReservationState.RELEASED)
        async with self._database.write() as connection:
            if await insert_new(connection, reservations, _values(tombstone)):
                return
            reserved = update(reservations).where(reservations.c.order_id == order_id).values(state=ReservationState.RELEASED)
            changed = await connection.execute(reserved.where(reservations.c.state == ReservationState.RESERVED))
            if changed.rowcount == 1:
                for line in (await _get(connection, order_id)).lines:
                    back = update(stock).where(stock.c.dish_id == line.dish_id)
                    await connection.execute(back.values(left=stock.c.left + line.quantity))

    async def page(self, after: str, limit: int) -> list[Reservation]:
        """Reservations by order id, above `after`."""
        query = select(reservations).where(reservations.c.order_id > after).order_by(reservations.c.order_id).limit(limit)
        async with self._database.read() as connection:
            return [_reservation(row) for row in (await connection.execute(query)).all()]

    async def stock(self, after: int, limit: int) -> list[Stock]:
        """What is left, by dish id, above `after`."""
        query = select(stock).where(stock.c.dish_id > after).order_by(stock.c.dish_id).limit(limit)
        async with self._database.read() as connection:
            return [Stock(row.dish_id, row.initial, row.left) for row in (await connection.execute(query)).all()]


async def _prices_cents(connection: AsyncConnection, restaurant_id: int) -> dict[int, int]:
    found = await connection.execute(_PRICES, {"restaurant_id_": restaurant_id})
    prices = {row.id: row.price_cents for row in found.all()}
    if not prices:
        raise RestaurantUnknownError(f"restaurant {restaurant_id} does not exist")
    return prices


async def _take(connection: AsyncConnection, line: Line) -> None:
    if (await connection.execute(_TAKE, {"dish_id_": line.dish_id, "quantity_": line.quantity})).rowcount == 0:
        raise ReservationRefusedError(f"dish {line.dish_id} is sold out: fewer than {line.quantity} portions are left")


async def _find(connection: AsyncConnection, order_id: str) -> Reservation | None:
    row = (await connection.execute(_FIND, {"order_id_": order_id})).first()
    return _reservation(row) if row else None


async def _get(connection: AsyncConnection, order_id: str) -> Reservation:
    return _reservation((await connection.execute(_FIND, {"order_id_": order_id})).one())


def _reservation(row: Row[tuple[object, ...]]) -> Reservation:
    lines = tuple(Line(dish_id, quantity) for dish_id, quantity in row.lines)
    return Reservation(row.order_id, row.restaurant_id, lines, row.total_cents, ReservationState(row.state))


def _values(reservation: Reservation) -> dict[str, object]:
    return {
        "order_id": reservation.order_id,
        "restaurant_id": reservation.restaurant_id,
        "lines": [[line.dish_id, line.quantity] for line in reservation.lines],
        "total_cents": reservation.total_cents,
        "state": reservation.state,
    }
