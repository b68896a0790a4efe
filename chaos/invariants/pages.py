"""The services' own account of what they hold: read-only, paged, behind the run's internal token."""

from typing import TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, ValidationError

from chaos.http_get import FetchError, Get
from chaos.invariants.rows import Row

TOKEN_HEADER = "X-Internal-Token"  # noqa: S105 - the name of a header
PAGE_ROWS = 500
MAX_PAGES = 1_000
"""Half a million rows: an hour of the heaviest load that an experiment may ask for would be more, and is refused by name."""

AnyRow = TypeVar("AnyRow", bound=Row)


class _Page(BaseModel):
    model_config = ConfigDict(extra="ignore")

    rows: list[object]
    next: str | int | None


def read_table(base_url: str, table: str, row: type[AnyRow], token: str, get: Get) -> tuple[AnyRow, ...]:
    """One table of one service, whole.

    Args:
        base_url: Root of an instance, such as `http://127.0.0.1:40001`.
        table: Name of the table under `/internal/audit`; empty for the service's main one.
        row: What each row must be.
        token: The run's internal token.
        get: Does the requests.

    Raises:
        FetchError: It cannot be read to its end, or is none.
    """
    return read_pages(f"{base_url}/internal/audit{'/' if table else ''}{table}", row, token, get)


def read_pages(address: str, row: type[AnyRow], token: str, get: Get) -> tuple[AnyRow, ...]:
    """All rows at one address. Raises FetchError when they cannot be read to their end, or are none."""
    rows: list[AnyRow] = []
    after: str | int | None = None
    for _ in range(MAX_PAGES):
        url = f"{address}?limit={PAGE_ROWS}{'' if after is None else f'&after={quote(str(after))}'}"
        try:
            page = _Page.model_validate_json(get(url, {TOKEN_HEADER: token}))
            rows += [row.model_validate(each) for each in page.rows]
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            raise FetchError(f"GET {url}: is no audit: {'.'.join(map(str, detail['loc']))}: {detail['msg']}") from None
        if page.next is None:
            return tuple(rows)
        after = page.next
    raise FetchError(f"{address}: does not end after {MAX_PAGES} pages of {PAGE_ROWS} rows")
