"""Where restaurants and their menus are kept."""

from sqlalchemy import Column, Float, ForeignKey, Integer, MetaData, String, Table, insert, select

from services.kit.database import Database
from services.restaurants import seed
from services.restaurants.schemas import DishOut, RestaurantOut

_metadata = MetaData()
_restaurants = Table(
    "restaurants",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("cuisine", String(60), nullable=False),
    Column("rating", Float, nullable=False),
)
_dishes = Table(
    "dishes",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("restaurant_id", ForeignKey("restaurants.id"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("price_cents", Integer, nullable=False),
)


class RestaurantStore:
    """Restaurants and dishes by id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> None:
        """Makes the tables and, where they are empty, the seed."""
        await self._database.create(_metadata)
        async with self._database.write() as connection:
            if (await connection.execute(select(_restaurants.c.id).limit(1))).first() is None:
                await connection.execute(insert(_restaurants), list(seed.restaurants()))
                await connection.execute(insert(_dishes), list(seed.dishes()))

    async def page(self, after: int, limit: int) -> list[RestaurantOut]:
        """Restaurants with an id above `after`, in order."""
        query = select(_restaurants).where(_restaurants.c.id > after).order_by(_restaurants.c.id).limit(limit)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [RestaurantOut(id=row.id, name=row.name, cuisine=row.cuisine, rating=row.rating) for row in rows]

    async def restaurant(self, restaurant_id: int) -> RestaurantOut | None:
        """One restaurant."""
        found = await self.page(restaurant_id - 1, 1)
        return found[0] if found and found[0].id == restaurant_id else None

    async def menu(self, restaurant_id: int) -> list[DishOut]:
        """The dishes of a restaurant, in order; none when there is no such restaurant."""
        query = select(_dishes).where(_dishes.c.restaurant_id == restaurant_id).order_by(_dishes.c.id)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [DishOut(id=row.id, name=row.name, price_cents=row.price_cents) for row in rows]
