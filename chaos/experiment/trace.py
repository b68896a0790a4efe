"""One real trace of a degraded journey, as an example of what an outage looks like from inside."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from chaos.experiment.errors import EvidenceError
from chaos.experiment.journeys import Journey
from chaos.experiment.result import TracePick
from chaos.experiment.windows import Window
from chaos.http_get import FetchError, Get

MAX_TRIES = 5
WHOLE_FROM_SPANS = 3
"""A trace with fewer spans lost some on the way: a request through the entry service has at least these."""


class _Process(BaseModel):
    model_config = ConfigDict(extra="ignore")

    serviceName: str  # noqa: N815 - Jaeger's spelling


class _Span(BaseModel):
    model_config = ConfigDict(extra="ignore")

    spanID: str  # noqa: N815 - Jaeger's spelling


class _Trace(BaseModel):
    model_config = ConfigDict(extra="ignore")

    traceID: str  # noqa: N815 - Jaeger's spelling
    spans: list[_Span]
    processes: dict[str, _Process]


class _Envelope(BaseModel):
    model_config = ConfigDict(extra="ignore")

    data: list[_Trace]


def candidates(journeys: Iterable[Journey], window: Window, preferred: Sequence[str]) -> Iterator[Journey]:
    """Degraded journeys of a window: the preferred kinds first, of each the ones nearest to the window's middle."""
    middle_s = (window.start_s + window.end_s) / 2
    degraded = [journey for journey in journeys if journey.degraded and window.contains(journey.intended_s)]
    order = {name: rank for rank, name in enumerate(preferred)}
    degraded.sort(key=lambda each: (order.get(each.name, len(order)), abs(each.intended_s - middle_s)))
    return iter(degraded)


def keep_trace(path: Path, query_url: str, wanted: Iterable[Journey], get: Get) -> bool:
    """Writes the first candidate's trace that the store has whole. Returns whether there was one. Raises OSError.

    Args:
        path: The file to write.
        query_url: Root of the store's query API.
        wanted: Candidates, best first; the first MAX_TRIES are asked for.
        get: Does the requests.
    """
    for journey in islice(wanted, MAX_TRIES):
        try:
            body = get(f"{query_url}/api/traces/{journey.degraded_trace_id}", {})
            envelope = _Envelope.model_validate_json(body)
        except (FetchError, ValidationError):
            continue
        if envelope.data and len(envelope.data[0].spans) >= WHOLE_FROM_SPANS:
            path.write_bytes(body)
            return True
    return False


def read_pick(path: Path, journeys: Iterable[Journey]) -> TracePick | None:
    """What the kept trace shows, None when none was kept. Raises EvidenceError for a file that is no trace of these journeys."""
    try:
        envelope = _Envelope.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        raise EvidenceError(f"{path}: is not a trace in Jaeger's envelope") from None
    kept = envelope.data[0] if envelope.data else None
    journey = next((each for each in journeys if kept and each.degraded_trace_id == kept.traceID), None)
    if kept is None or journey is None:
        raise EvidenceError(f"{path}: holds no trace of a degraded journey of this arm")
    return TracePick(
        trace_id=kept.traceID,
        journey=journey.name,
        intended_s=journey.intended_s,
        elapsed_ms=round(journey.elapsed_ms, 3),
        spans=len(kept.spans),
        services=tuple(dict.fromkeys(process.serviceName for process in kept.processes.values())),
    )
