"""Rows that several writers may want to add at the same time."""

from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, event, select
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.engine.interfaces import CacheStats

from services.kit.rows import insert_new
from tests.services.databases import Databases, open_database

METADATA = MetaData()
BOXES = Table("boxes", METADATA, Column("id", Integer, primary_key=True), Column("label", String(20), unique=True))


async def test_a_row_is_new_once(databases: Databases) -> None:
    database = open_database(await databases.with_tables(METADATA))
    async with database.write() as connection:
        news = [await insert_new(connection, BOXES, {"id": 1, "label": label}) for label in ("a", "b")]
    async with database.read() as connection:
        kept = (await connection.execute(select(BOXES.c.label))).scalars().all()
    await database.close()
    assert (news, kept) == ([True, False], ["a"])


async def test_any_unique_key_that_is_taken_keeps_a_row_out(databases: Databases) -> None:
    database = open_database(await databases.with_tables(METADATA))
    async with database.write() as connection:
        news = [await insert_new(connection, BOXES, {"id": number, "label": "a"}) for number in (1, 2)]
    await database.close()
    assert news == [True, False]


async def test_a_row_may_leave_its_number_to_the_database_and_its_statement_is_compiled_once(databases: Databases) -> None:
    database = open_database(await databases.with_tables(METADATA))
    stats: list[CacheStats] = []

    def look(*arguments: object) -> None:
        context = arguments[4]
        assert isinstance(context, DefaultExecutionContext)
        stats.append(context.cache_hit)

    event.listen(Engine, "before_cursor_execute", look)
    try:
        async with database.write() as connection:
            news = [await insert_new(connection, BOXES, {"label": label}) for label in ("a", "b", "a")]
    finally:
        event.remove(Engine, "before_cursor_execute", look)
    await database.close()
    assert news == [True, True, False]
    assert stats[1:] == [CacheStats.CACHE_HIT, CacheStats.CACHE_HIT]
