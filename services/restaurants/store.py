"""The tables of restaurants, and the part that orders do not change: who cooks what."""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    bindparam,
    insert,
    select,
)

from services.kit.database import Database
from services.kit.events.tables import EventTables
from services.kit.rows import insert_new
from services.restaurants import seed
from services.restaurants.schemas import DishOut, Menu, RestaurantOut

metadata = MetaData()
event_tables = EventTables(metadata)
restaurants = Table(
    "restaurants",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("cuisine", String(60), nullable=False),
    Column("rating", Float, nullable=False),
)
dishes = Table(
    "dishes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("restaurant_id", ForeignKey("restaurants.id"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("price_cents", Integer, nullable=False),
)
stock = Table(
    "stock",
    metadata,
    Column("dish_id", ForeignKey("dishes.id"), primary_key=True),
    Column("initial", Integer, nullable=False),
    Column("left", Integer, nullable=False),
    # Whatever a writer believes: no portion is promised twice.
    CheckConstraint('"left" >= 0', name="stock_left_not_negative"),
)
reservations = Table(
    "reservations",
    metadata,
    Column("order_id", String(36), primary_key=True),
    Column("restaurant_id", Integer, nullable=False),
    Column("lines", JSON, nullable=False),
    Column("total_cents", Integer, nullable=False),
    Column("state", String(20), nullable=False),
)
popular = Table(
    "popular",
    metadata,
    Column("dish_id", Integer, primary_key=True, autoincrement=False),
    Column("restaurant_id", Integer, nullable=False),
    Column("ordered", Integer, nullable=False, index=True),
)

# Made once: to make a statement costs several times what it costs to execute.
_PAGE = (
    select(restaurants)
    .where(restaurants.c.id > bindparam("after_"))
    .order_by(restaurants.c.id)
    .limit(bindparam("limit_", type_=Integer))
)
_MENU = (
    select(restaurants, dishes.c.id.label("dish_id"), dishes.c.name.label("dish"), dishes.c.price_cents, stock.c.left)
    .select_from(restaurants.outerjoin(dishes, dishes.c.restaurant_id == restaurants.c.id).outerjoin(stock))
    .where(restaurants.c.id == bindparam("id_"))
    .order_by(dishes.c.id)
)


class RestaurantStore:
    """Restaurants and dishes by id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> None:
        """Makes the seed where there is none: who adds its first row adds all of it."""
        first, *others = seed.restaurants()
        async with self._database.write() as connection:
            if await insert_new(connection, restaurants, first):
                await connection.execute(insert(restaurants), others)
                await connection.execute(insert(dishes), list(seed.dishes()))
                await connection.execute(insert(stock), list(seed.stock()))

    async def page(self, after: int, limit: int) -> list[RestaurantOut]:
        """Restaurants with an id above `after`, in order."""
        async with self._database.read() as connection:
            rows = (await connection.execute(_PAGE, {"after_": after, "limit_": limit})).all()
        return [_restaurant(row) for row in rows]

    async def menu(self, restaurant_id: int) -> Menu | None:
        """A restaurant with its dishes, in order; None when there is no such restaurant. One query, for it is asked most."""
        async with self._database.read() as connection:
            rows = (await connection.execute(_MENU, {"id_": restaurant_id})).all()
        if not rows:
            return None
        served = [row for row in rows if row.dish_id is not None]
        offered = [DishOut(id=row.dish_id, name=row.dish, price_cents=row.price_cents, available=row.left > 0) for row in served]
        return Menu(restaurant=_restaurant(rows[0]), dishes=offered)


def _restaurant(row: Row[tuple[object, ...]]) -> RestaurantOut:
    return RestaurantOut(id=row.id, name=row.name, cuisine=row.cuisine, rating=row.rating)
