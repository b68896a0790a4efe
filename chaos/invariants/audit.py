"""The services' own account of what they hold: the read-only, paged GET /internal/audit of each."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from chaos.http_get import FetchError, Get

TOKEN_HEADER = "X-Internal-Token"  # noqa: S105 - the name of a header
PAGE_ROWS = 500
MAX_PAGES = 1_000
"""Half a million rows: an hour of the heaviest load that an experiment may ask for would be more, and is refused by name."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class OrderRow(_Row):
    """An order, as orders keeps it; `created_at` is Unix time in seconds."""

    id: str
    status: str
    created_at: float
    deferred: bool


class DeliveryRow(_Row):
    """The courier of an order, as deliveries keeps it."""

    order_id: str
    courier_id: int | str | None
    state: str


class Audit(_Row):
    """What both services held at one moment."""

    orders: tuple[OrderRow, ...]
    deliveries: tuple[DeliveryRow, ...]


class _Page(BaseModel):
    model_config = ConfigDict(extra="ignore")

    rows: list[dict[str, str | int | float | bool | None]]
    next: str | int | None


Row = TypeVar("Row", bound=_Row)


def read_audit(orders_url: str, deliveries_url: str, token: str, get: Get) -> Audit:
    """Both audits, whole. Deliveries last, so that a courier found meanwhile is not missed.

    Args:
        orders_url: Root of an instance of orders, such as `http://127.0.0.1:40001`.
        deliveries_url: The same of deliveries.
        token: The run's internal token.
        get: Does the requests.

    Raises:
        FetchError: An audit cannot be read to its end, or is none.
    """
    orders = _read_all(orders_url, token, get, OrderRow)
    return Audit(orders=orders, deliveries=_read_all(deliveries_url, token, get, DeliveryRow))


def _read_all(base_url: str, token: str, get: Get, row: type[Row]) -> tuple[Row, ...]:
    rows: list[Row] = []
    after: str | int | None = None
    for _ in range(MAX_PAGES):
        url = f"{base_url}/internal/audit?limit={PAGE_ROWS}{'' if after is None else f'&after={after}'}"
        try:
            page = _Page.model_validate_json(get(url, {TOKEN_HEADER: token}))
            rows += [row.model_validate(each) for each in page.rows]
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            raise FetchError(f"GET {url}: is no audit: {'.'.join(map(str, detail['loc']))}: {detail['msg']}") from None
        if page.next is None:
            return tuple(rows)
        after = page.next
    raise FetchError(f"{base_url}/internal/audit: does not end after {MAX_PAGES} pages of {PAGE_ROWS} rows")
