"""The load's record, request by request, put together into journeys."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from chaos.experiment.errors import EvidenceError


class RequestLine(BaseModel):
    """One line of requests.jsonl. Instants are seconds from the schedule's start."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    journey: str
    id: str
    step: str
    intended: float
    sent: float
    done: float
    status: int
    outcome: str
    degraded: bool
    trace_id: str
    last: bool


@dataclass(frozen=True, slots=True)
class Journey:
    """One customer's visit, the unit of every judgement. It belongs to the window in which it was intended to begin."""

    name: str
    intended_s: float
    done_s: float
    succeeded: bool
    degraded: bool
    degraded_trace_id: str | None
    """Of its first degraded answer."""
    steps_done: frozenset[str]
    """Steps that were answered as they should be."""
    rate_limited: bool = False
    """Whether the system said that its caller asks too often, which says nothing about the system."""

    @property
    def elapsed_ms(self) -> float:
        """From the intended instant to its end, however it ended: a customer who gave up has waited, too."""
        return (self.done_s - self.intended_s) * 1_000


def read_request(line: bytes, where: str) -> RequestLine:
    """One line of the record. Raises EvidenceError naming `where`."""
    try:
        return RequestLine.model_validate_json(line)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        key = ".".join(map(str, detail["loc"]))
        raise EvidenceError(f"{where}: {key + ': ' if key else ''}{detail['msg']}") from None


def read_requests(path: Path) -> tuple[RequestLine, ...]:
    """All requests of a record, in its order. Raises EvidenceError for a record that is missing or damaged."""
    try:
        with path.open("rb") as file:
            return tuple(read_request(line, f"{path}:{number}") for number, line in enumerate(_lines(file), 1))
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from None


def read_journeys(path: Path) -> tuple[Journey, ...]:
    """All journeys of a record, by intended instant. Raises EvidenceError for a record that is missing, damaged or cut off."""
    return assemble(read_requests(path), str(path))


def assemble(requests: Iterable[RequestLine], where: str = "the record") -> tuple[Journey, ...]:
    """Journeys of `requests`, by intended instant. Raises EvidenceError for one that has no last request."""
    by_id: dict[str, list[RequestLine]] = {}
    for request in requests:
        by_id.setdefault(request.id, []).append(request)
    journeys = [_journey(steps, where) for steps in by_id.values()]
    return tuple(sorted(journeys, key=lambda journey: (journey.intended_s, journey.name)))


def arrivals_digest(journeys: Iterable[Journey], start_s: float) -> str:
    """SHA-256 over name and intended instant (microseconds) of every journey from `start_s` on.

    The warm-up is left out: whether its first trackers find an order to track depends on how fast the first order was placed.
    """
    digest = hashlib.sha256()
    for journey in journeys:
        if journey.intended_s >= start_s:
            digest.update(f"{journey.name}@{journey.intended_s:.6f}\n".encode())
    return digest.hexdigest()


def _journey(steps: list[RequestLine], where: str) -> Journey:
    steps.sort(key=lambda step: step.intended)
    if not steps[-1].last:
        raise EvidenceError(f"{where}: journey {steps[0].id} has no last request; the record is cut off")
    return Journey(
        name=steps[0].journey,
        intended_s=steps[0].intended,
        done_s=max(step.done for step in steps),
        succeeded=all(step.outcome == "ok" for step in steps),
        degraded=any(step.degraded for step in steps),
        degraded_trace_id=next((step.trace_id for step in steps if step.degraded), None),
        steps_done=frozenset(step.step for step in steps if step.outcome == "ok"),
        rate_limited=any(step.status == HTTPStatus.TOO_MANY_REQUESTS for step in steps),
    )


def _lines(file: Iterable[bytes]) -> Iterator[bytes]:
    return (line for line in file if line.strip())
