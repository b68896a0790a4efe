"""The golden signals of services and journeys, said once for all dashboards that show them."""

from typing import Final

from dashboards.promql import JOURNEY, matching, quantile, rate, ratio
from observability import names

FAILED: Final = matching(names.LABEL_STATUS, "5..|0")
"""A server's answers that are its own fault; 0 is a connection that was cut without one."""
LOST: Final = f'{names.LABEL_STATUS}!~"[1-4]..|{names.CANCELLED}"'
"""An attempt that nobody answered has a word for the reason in place of a status; if it was cancelled, nobody is to blame."""
FINE: Final = "ok"
"""The outcome of a journey that ended as its customer wished."""


def requests(*conditions: str, by: tuple[str, ...] = (names.LABEL_SERVICE,)) -> str:
    """Requests that a service answered, a second."""
    return rate(f"{names.HTTP_SERVER_DURATION}_count", *conditions, by=by)


def errors(*conditions: str, by: tuple[str, ...] = (names.LABEL_SERVICE,)) -> str:
    """The share of a service's answers that are its own fault."""
    return ratio(requests(FAILED, *conditions, by=by), requests(*conditions, by=by))


def latency(q: float, *conditions: str, by: tuple[str, ...] = (names.LABEL_SERVICE,)) -> str:
    """A quantile of how long a service's answers took, in seconds."""
    return quantile(q, names.HTTP_SERVER_DURATION, *conditions, by=by)


def attempts(*conditions: str, by: tuple[str, ...] = (names.LABEL_EDGE,)) -> str:
    """Attempts over an edge, a second."""
    return rate(f"{names.HTTP_CLIENT_DURATION}_count", *conditions, by=by)


def failed_attempts(*conditions: str, by: tuple[str, ...] = (names.LABEL_EDGE,)) -> str:
    """The share of attempts over an edge that a server's error answered, or nobody."""
    return ratio(attempts(LOST, *conditions, by=by), attempts(*conditions, by=by))


def failed_journeys(by: tuple[str, ...] = (JOURNEY,)) -> str:
    """The share of journeys that did not end well."""
    ended = rate(names.LOAD_JOURNEYS, by=by)
    return ratio(rate(names.LOAD_JOURNEYS, f'{names.LABEL_OUTCOME}!="{FINE}"', by=by), ended)


def journey_latency(q: float, by: tuple[str, ...] = (JOURNEY,)) -> str:
    """A quantile of how long journeys took from the instant they were meant to begin, in seconds."""
    return quantile(q, names.LOAD_DURATION, by=by)
