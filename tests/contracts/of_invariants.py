"""What the check of invariants reads of the services' audits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic

from pydantic import BaseModel

from chaos.invariants.pages import PAGE_ROWS, AnyRow
from chaos.invariants.reading import Library, read_books
from services.topology import load_topology
from tests.contracts.consumer import without_words
from tests.contracts.interaction import Asked, Contract, Interaction, Needed

ANYTHING = "whatever it keeps"


class _Page(BaseModel, Generic[AnyRow]):
    rows: list[AnyRow]
    next: str | int | None


@dataclass(frozen=True)
class _WatchedLibrary(Library):
    """Empty books, and a note of what is read: the audit's page by service and table."""

    read: dict[tuple[str, str], type[BaseModel]] = field(default_factory=dict)

    def table(self, service: str, table: str, row: type[AnyRow]) -> tuple[AnyRow, ...]:
        self.read[service, table] = _Page[row]  # type: ignore[valid-type]  # a model made at run time, as the reader's is
        return ()


def _nobody(_url: str, _headers: Mapping[str, str]) -> bytes:
    raise AssertionError("nothing is fetched here")


def contracts_of_invariants(now: Callable[[], float] = lambda: 0.0) -> list[Contract]:
    """One contract a service whose books are read."""
    library = _WatchedLibrary({}, "", _nobody, load_topology())
    read_books(library, now)
    found: dict[str, list[Interaction]] = {}
    for (service, table), page in library.read.items():
        path = f"/internal/audit{'/' if table else ''}{table}?limit={PAGE_ROWS}"
        reads = without_words(page.model_json_schema())
        interaction = Interaction(
            what=f"reads {table or 'the main table'}",
            given=ANYTHING,
            request=Asked(method="GET", path=path, headers={}),
            answer=Needed(status=200, reads=reads, means="success"),
        )
        found.setdefault(service, []).append(interaction)
    return [Contract(consumer="invariants", provider=name, interactions=each) for name, each in found.items()]
