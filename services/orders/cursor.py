"""Where a page of a customer's orders ends: the time and the id of its last order, as one opaque word."""

import re
from typing import Annotated

from fastapi import Query

from services.orders.domain import Order

_CURSOR = r"^$|^\d{1,12}(\.\d{1,9})?_[0-9a-f-]{36}$"
Cursor = Annotated[str, Query(max_length=80, pattern=_CURSOR, description="`next` of the page before; empty for the first")]


def write_cursor(order: Order) -> str:
    """The word for the page after `order`."""
    return f"{order.created_at!r}_{order.id}"


def read_cursor(text: str) -> tuple[float, str] | None:
    """What `write_cursor` wrote; None for the first page."""
    if not re.fullmatch(_CURSOR, text) or not text:
        return None
    at, _, order_id = text.partition("_")
    return float(at), order_id
