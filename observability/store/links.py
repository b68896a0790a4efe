"""Who called whom: spans joined with their callers while they arrive, so that nobody has to read them again for it.

A caller is a span's parent; for a consumer, or a span without a parent, the spans it is linked to count as well, because that
is how an event's processing points at its publishing. A call is counted when the two spans are of different services, as in
Jaeger's own memory storage (`internal/storage/v2/memory/tenant.go`, `getDependencies`).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from itertools import islice
from typing import Final, Generic, NamedTuple, TypeVar

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from observability.store.sealed import SealedSpan
from observability.store.span_batch import SpanBatch

BUCKET_US: Final = 10_000_000
"""Calls are counted by this much time; a question about less is answered for the whole of it."""

_NS_PER_US: Final = 1_000
_NOBODY: Final = (b"", bytes(8))  # As the parent of a span.
_MAX_SPANS: Final = 32_768  # Remembered a generation, of which there are two: some 10 MiB, and half a minute of the demo's load.
_MAX_LINKS: Final = 32  # Of one span, and callees that wait for one; a consumer of a batch may name every message of it.


class Call(NamedTuple):
    """What is counted. Services by number, the time as the number of BUCKET_US since 1970."""

    parent: int
    child: int
    bucket: int


class CallCount(NamedTuple):
    """How often something was called, and how many of the callee's spans say that they failed."""

    call: Call
    calls: int
    errors: int


class _Waiting(NamedTuple):
    """A span whose caller has not arrived yet."""

    service: int
    bucket: int
    failed: bool


Value = TypeVar("Value")


class _Recent(Generic[Value]):
    """The last values by key, in two generations: when the younger one is full, the older one is forgotten."""

    def __init__(self) -> None:
        self._young: dict[bytes, Value] = {}
        self._old: dict[bytes, Value] = {}

    def get(self, key: bytes) -> Value | None:
        value = self._young.get(key)
        return self._old.get(key) if value is None else value

    def known(self, keys: Set[bytes]) -> Set[bytes]:
        """Those of `keys` that have a value."""
        return (keys & self._young.keys()) | (keys & self._old.keys())

    def put_all(self, values: Mapping[bytes, Value]) -> None:
        if len(self._young) >= _MAX_SPANS:
            self._young, self._old = {}, self._young
        self._young.update(values)

    def pop(self, key: bytes) -> Value | None:
        old = self._old.pop(key, None)
        return self._young.pop(key, old)


class Links:
    """Joins spans with their callers, in whatever order the two arrive. For the writer only.

    It remembers a bounded number of spans; a caller and a callee that arrive further apart than that are not counted. A span
    that comes a second time, because its sender missed our answer, counts once.
    """

    def __init__(self) -> None:
        self._counted: Counter[Call] = Counter()
        self._failed: Counter[Call] = Counter()
        self._services = _Recent[int]()
        self._waiting = _Recent[tuple[_Waiting, ...]]()

    def clear(self) -> None:
        """Forgets everything, after a transaction was rolled back: its spans will come again."""
        self._counted.clear()
        self._failed.clear()
        self._services, self._waiting = _Recent(), _Recent()

    def take(self) -> Sequence[CallCount]:
        """Calls counted since the last time this was asked."""
        counted = [CallCount(call, calls, self._failed[call]) for call, calls in self._counted.items()]
        self._counted.clear()
        self._failed.clear()
        return counted

    def add(self, service: int, batch: SpanBatch) -> None:
        """Remembers spans of one service that arrived together, and counts the calls that they complete."""
        arrived = dict(zip(batch.keys, range(len(batch.keys)), strict=True))
        for again in self._services.known(arrived.keys()):
            del arrived[again]
        self._services.put_all(dict.fromkeys(arrived, service))
        for caller in self._waiting.known(arrived.keys()):
            for callee in self._waiting.pop(caller) or ():
                self._count(service, callee)
        waiting: dict[bytes, tuple[_Waiting, ...]] = {}
        for position, caller in _calls(batch, arrived.values()):
            # Callees end before their callers, so most parents stand behind their children in the same upload.
            known = service if caller in arrived else self._services.get(caller)
            if known == service:
                continue
            bucket = batch.spans[position].start_time_unix_nano // _NS_PER_US // BUCKET_US
            callee = _Waiting(service, bucket, batch.statuses[position] == Status.STATUS_CODE_ERROR)
            if known is None:
                waiting[caller] = (*waiting.get(caller, ()), callee)
            else:
                self._count(known, callee)
        self._wait(waiting)

    def _wait(self, callees: Mapping[bytes, tuple[_Waiting, ...]]) -> None:
        """Remembers callees by the caller that they wait for."""
        joined = {caller: (*(self._waiting.get(caller) or ()), *waiting)[:_MAX_LINKS] for caller, waiting in callees.items()}
        self._waiting.put_all(joined)

    def _count(self, service: int, callee: _Waiting) -> None:
        if service != callee.service:
            call = Call(service, callee.service, callee.bucket)
            self._counted[call] += 1
            self._failed[call] += callee.failed


def _calls(batch: SpanBatch, positions: Iterable[int]) -> list[tuple[int, bytes]]:
    """Positions of spans, each with the key of a span that called it."""
    if batch.has_links:
        return [(position, caller) for position in positions for caller in _callers(batch.spans[position])]
    parents = [span.parent_span_id for span in batch.spans]
    return [
        (position, batch.trace_ids[position] + parents[position]) for position in positions if parents[position] not in _NOBODY
    ]


def _callers(span: SealedSpan) -> Collection[bytes]:
    """Keys of the spans that called a span, each once."""
    parent = span.parent_span_id
    parents = () if parent in _NOBODY else (span.trace_id + parent,)
    if parents and span.kind != Span.SPAN_KIND_CONSUMER:
        return parents
    return {*parents, *(link.trace_id + link.span_id for link in islice(span.links, _MAX_LINKS))}
