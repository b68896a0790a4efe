"""Queries about who called whom."""

from dataclasses import dataclass
from typing import Final, TypedDict

from observability.store.links import BUCKET_US
from observability.store.reader import Reader, TimeRange

_MAX_DEPENDENCIES: Final = 5_000  # Of an answer: every pair of seventy services.


class Dependency(TypedDict):
    """One service that called another, in Jaeger's form, and how many of these calls failed, which Jaeger does not have."""

    parent: str
    child: str
    callCount: int
    errorCount: int


@dataclass(frozen=True, slots=True)
class DependencyQuery:
    """When the calls began, and the service that must be one of the two; None for any."""

    within: TimeRange
    service: str | None = None


class Dependencies:
    """Answers queries about calls, from what the writer counted."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def search(self, query: DependencyQuery) -> list[Dependency]:
        """Calls between services, in alphabetical order of caller and callee."""
        rows = self._reader.connection.execute(
            "SELECT caller.name, callee.name, SUM(calls), SUM(errors) FROM dependency"
            " JOIN service AS caller ON caller.id = parent JOIN service AS callee ON callee.id = child"
            " WHERE bucket BETWEEN :first AND :last AND (:service IS NULL OR :service IN (caller.name, callee.name))"
            " GROUP BY parent, child ORDER BY caller.name, callee.name LIMIT :limit",
            {
                "first": query.within.start_us // BUCKET_US,
                "last": query.within.end_us // BUCKET_US,
                "service": query.service,
                "limit": _MAX_DEPENDENCIES,
            },
        )
        return [
            {"parent": parent, "child": child, "callCount": calls, "errorCount": errors} for parent, child, calls, errors in rows
        ]
