"""The read model of popular dishes: how many portions of each are in accepted orders, counted from what orders tells.

A query over reservations could not tell it: a portion is reserved before its order is accepted. The counts lag behind by as long
as an event takes, and are exact once all have arrived, whatever their order: adding is all that is ever done.
"""

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.database import Database
from services.kit.rows import insert_new
from services.restaurants.domain import Line
from services.restaurants.schemas import PopularAudit, PopularDish
from services.restaurants.store import dishes, popular, restaurants

# Made once: to make a statement costs several times what it costs to execute.
_ADD = (
    update(popular).where(popular.c.dish_id == bindparam("dish_id_")).values(ordered=popular.c.ordered + bindparam("portions_"))
)


class PopularDishesModel:
    """Counts by dish."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def top(self, limit: int) -> list[PopularDish]:
        """The dishes on a menu that were ordered most."""
        known = select(popular, dishes.c.name, restaurants.c.name.label("restaurant"))
        joined = known.join(dishes, dishes.c.id == popular.c.dish_id).join(
            restaurants, restaurants.c.id == dishes.c.restaurant_id
        )
        query = joined.where(popular.c.ordered > 0).order_by(popular.c.ordered.desc(), popular.c.dish_id).limit(limit)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [
            PopularDish(
                dish_id=row.dish_id,
                name=row.name,
                restaurant_id=row.restaurant_id,
                restaurant=row.restaurant,
                ordered=row.ordered,
            )
            for row in rows
        ]

    async def page(self, after: int, limit: int) -> list[PopularAudit]:
        """Counts by dish id, above `after`."""
        query = select(popular).where(popular.c.dish_id > after).order_by(popular.c.dish_id).limit(limit)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [PopularAudit(dish_id=row.dish_id, ordered=row.ordered) for row in rows]


async def count(connection: AsyncConnection, restaurant_id: int, lines: tuple[Line, ...], sign: int) -> None:
    """Adds the portions of merged `lines` in the caller's transaction, or takes them back with the sign -1."""
    for line in lines:
        more = {"dish_id_": line.dish_id, "portions_": sign * line.quantity}
        if (await connection.execute(_ADD, more)).rowcount == 0:
            await insert_new(connection, popular, {"dish_id": line.dish_id, "restaurant_id": restaurant_id, "ordered": 0})
            await connection.execute(_ADD, more)
