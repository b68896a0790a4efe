"""What a service itself served, by its server spans, second by second.

Independent of who was asked to inject what: a service that was dead has no spans. A local arm has them in the file of its
telemetry store; of a system that keeps them elsewhere, some seconds are asked for while it runs, and kept in the arm's folder.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from opentelemetry.proto.trace.v1.trace_pb2 import Span
from pydantic import BaseModel, ConfigDict, ValidationError

from chaos.experiment.errors import EvidenceError
from chaos.experiment.windows import Window
from chaos.http_get import FetchError, Get
from observability.store.begun import begun_by_second
from observability.store.errors import StoreUnusableError

MAX_TRACES = 1_000
"""A second of the heaviest experiment has fewer; a store may refuse to be asked for more than it keeps."""


@dataclass(frozen=True)
class Served:
    """Requests that a service began to serve, by second of the schedule.

    Attributes:
        by_second: How many, in each second that had any.
        asked: The seconds that are known; None: all.
    """

    by_second: Mapping[int, int]
    asked: frozenset[int] | None = None

    @classmethod
    def read(cls, store: Path, service: str, started_at: float) -> "Served":
        """Counts server spans of `service` from the schedule's start on. Raises EvidenceError when the store cannot be read."""
        if not store.exists():
            raise EvidenceError(f"{store}: is missing; the telemetry store kept nothing")
        try:
            return cls(begun_by_second(store, service, Span.SPAN_KIND_SERVER, round(started_at * 1_000_000)))
        except StoreUnusableError as error:
            raise EvidenceError(str(error)) from None
        except sqlite3.Error as error:
            raise EvidenceError(f"{store}: {error}") from None

    def per_s(self, window: Window) -> float | None:
        """Mean rate over the whole seconds inside a window that are known; None when there is none."""
        seconds = [each for each in whole_seconds(window) if self.asked is None or each in self.asked]
        return sum(self.by_second.get(second, 0) for second in seconds) / len(seconds) if seconds else None


class ServedRecord(BaseModel):
    """served.json of an arm: how many requests were served in each second that was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str
    by_second: dict[int, int]

    @property
    def served(self) -> Served:
        """As evidence."""
        return Served(self.by_second, frozenset(self.by_second))


def whole_seconds(window: Window) -> range:
    """The seconds of the schedule that lie in a window from beginning to end."""
    return range(-int(-window.start_s // 1), int(window.end_s // 1))


class _Tag(BaseModel):
    key: str
    value: object = None


class _Span(BaseModel):
    processID: str = ""  # noqa: N815 - Jaeger's spelling, as below
    startTime: int  # noqa: N815
    tags: tuple[_Tag, ...] = ()

    @property
    def is_served(self) -> bool:
        return any(tag.key == "span.kind" and tag.value == "server" for tag in self.tags)


class _Process(BaseModel):
    serviceName: str  # noqa: N815


class _Trace(BaseModel):
    spans: tuple[_Span, ...]
    processes: dict[str, _Process] = {}


class _Traces(BaseModel):
    data: tuple[_Trace, ...] | None = ()


def ask_served(query_url: str, service: str, seconds: Iterable[int], started_at: float, get: Get) -> dict[int, int]:
    """How many requests a service began to serve in each of these seconds of the schedule. Raises FetchError.

    Args:
        query_url: Root of a query API as Jaeger's.
        service: Whose server spans are counted.
        seconds: Which; each is one question.
        started_at: Unix time of the schedule's second 0.
        get: Does the requests.
    """
    found: dict[int, int] = {}
    for second in seconds:
        start_us = round((started_at + second) * 1_000_000)
        query = {"service": service, "start": start_us, "end": start_us + 999_999, "limit": MAX_TRACES}
        url = f"{query_url}/api/traces?{urlencode(query)}"
        try:
            traces = _Traces.model_validate_json(get(url, {})).data or ()
        except ValidationError as error:
            raise FetchError(f"GET {url}: is no answer of Jaeger: {error.errors(include_url=False)[0]['msg']}") from None
        found[second] = sum(_count(trace, service, start_us) for trace in traces)
    return found


def _count(trace: _Trace, service: str, start_us: int) -> int:
    own = {name for name, process in trace.processes.items() if process.serviceName == service}
    begun = (span for span in trace.spans if span.processID in own and start_us <= span.startTime < start_us + 1_000_000)
    return sum(span.is_served for span in begun)
