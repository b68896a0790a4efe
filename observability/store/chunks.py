"""Chunks: one resource's spans or logs of one upload, compressed together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, overload

import zstandard
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from observability.store.sealed import SealedSpan, read_closed, read_span

# What a chunk may refer back to before its first byte: without it one of five spans takes three times the bytes,
# because each name of the semantic conventions is new to each chunk. Part of the file's format (schema.VERSION).
_DICTIONARY: Final = (
    b"telemetry.sdk.languagepythontelemetry.sdk.nameopentelemetrytelemetry.sdk.version1.service.versionservice.namespace"
    b"service.instance.idservice.nameprocess.pidhost.namefirebreak.runfirebreak.armfirebreak.reasonfirebreak.degraded"
    b"exception.typeexception.messageexception.stacktraceexception.escapedFalseerror.typechaos.leasechaos.faultchaos.injected"
    b"resilience.breakerresilience.fallbackresilience.rejectedresilience.retrymessaging.systemmessaging.operation.name"
    b"messaging.destination.namecode.file.pathcode.function.namecode.line.numberthread.idthread.name"
    b"opentelemetry.instrumentation.sqlalchemyopentelemetry.instrumentation.fastapi0.66b1"
    b"db.system.namesqlitepostgresqldb.namespacedb.operation.namedb.collection.namedb.query.text"
    b"INSERT INTO UPDATE SET DELETE FROM SELECT WHERE id = ? AND VALUES (?, ?, ?)BEGINCOMMITconnect"
    b"user_agent.originalPython/3.11 aiohttpclient.addressclient.portnetwork.peer.addressnetwork.peer.port"
    b"network.protocol.version\x12\x05\n\x031.1url.queryurl.schemehttpurl.fullhttp://127.0.0.1:url.path/v1/http.route/v1/"
    b"server.address\x12\x0b\n\t127.0.0.1server.port\x12\x04\x18http.request.resend_count\x12\x02\x18\x00firebreak.edge->"
    b"http.request.method\x12\x06\n\x04POST\x12\x05\n\x03GEThttp.response.status_code\x12\x03\x18\xc9\x01\x12\x03\x18\xc8\x01"
)
_LEVEL: Final = 1  # Level 3 saves 1 % of the bytes for half as much time again.


class StoredSpan(NamedTuple):
    """A span with what it shares with others of its chunk.

    Attributes:
        span: It.
        size_bytes: How long it is as OTLP.
        scope: Of the instrumentation that made it.
        resource: Of the process that sent it, as bytes.
    """

    span: SealedSpan
    size_bytes: int
    scope: InstrumentationScope
    resource: bytes


@dataclass(frozen=True, slots=True)
class StoredLog:
    """A log record with its logger and the process that wrote it."""

    record: LogRecord
    scope: InstrumentationScope
    resource: Resource


class Packing:
    """Makes the bodies of chunks and reads them. Not for two threads at once."""

    def __init__(self) -> None:
        dictionary = zstandard.ZstdCompressionDict(_DICTIONARY, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, dict_data=dictionary, write_checksum=True)
        self._decompressor = zstandard.ZstdDecompressor(dict_data=dictionary)

    def pack(self, message: bytes) -> bytes:
        """A chunk's body, of a serialised message."""
        return self._compressor.compress(message)

    def unpack(self, body: bytes) -> bytes:
        """The serialised message that `pack` compressed."""
        return self._decompressor.decompress(body)


class SpanChunk(Sequence[StoredSpan]):
    """Spans of an unpacked chunk; the index is the position in the chunk. A span is read when it is asked for.

    A trace needs a few spans of each of many chunks.
    """

    def __init__(self, message: bytes) -> None:
        chunk = read_closed(message)
        self._resource = chunk.resource
        self._scopes = [(scope.scope, scope.spans) for scope in chunk.scope_spans]
        self._size = sum(len(spans) for _, spans in self._scopes)

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> StoredSpan: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[StoredSpan]: ...
    def __getitem__(self, index: int | slice) -> StoredSpan | Sequence[StoredSpan]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(self._size))]
        position = index
        for scope, spans in self._scopes:
            if position < len(spans):
                message = spans[position]
                return StoredSpan(read_span(message), len(message), scope, self._resource)
            position -= len(spans)
        raise IndexError(index)


def logs_of(message: bytes) -> list[StoredLog]:
    """Log records of an unpacked chunk; the index in the list is the position in the chunk."""
    chunk = ResourceLogs.FromString(message)
    return [StoredLog(record, scope.scope, chunk.resource) for scope in chunk.scope_logs for record in scope.log_records]
