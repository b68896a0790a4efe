"""The read-only, paged account that a service gives of itself to whoever checks the business's invariants."""

from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

MAX_PAGE = 500

Row = TypeVar("Row", bound=BaseModel)
After = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$", description="`next` of the page before; empty for the first")]
"""Without the character that PostgreSQL has in no text."""
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]


class Page(BaseModel, Generic[Row]):
    """Rows in the order of their key; `next` is None on the last page."""

    rows: list[Row]
    next: str | None


def page_of(rows: list[Row], keys: list[str], limit: int) -> Page[Row]:
    """A page of `rows`, which has one more than `limit` when there is another page; `keys` are what `after` compares."""
    return Page(rows=rows[:limit], next=keys[limit - 1] if len(rows) > limit else None)
