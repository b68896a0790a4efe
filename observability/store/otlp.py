"""OTLP over HTTP as bytes: an upload's body to protobuf messages, and the answers that the protocol asks for.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp (protobuf and JSON bodies, gzip, `Status` as the body of errors,
`partial_success` for what was refused of an accepted request).
"""

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Final, TypeVar

from google.protobuf import json_format  # type: ignore[import-untyped]  # protobuf ships no types.
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]  # Likewise.
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # Likewise.
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs

from observability.store.errors import InvalidUploadError, UnsupportedUploadError, UploadTooLargeError
from observability.store.otlp_json import parse_json
from observability.store.schema import Signal
from observability.store.sealed import read_traces
from observability.store.span_batch import MAX_PARTS, SpanBatch

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
"""Of a body, as sent and decompressed: gRPC's default for a message. An exporter's usual 512 spans take 0.2 MiB."""


MAX_ITEMS: Final = 32_768
"""Spans or log records of one upload, with their resources and scopes. Collectors send 8,192 by default; empty ones, of two bytes
each, would fit in a body by the million."""

Request = TypeVar("Request")


class Encoding(StrEnum):
    """Content types of OTLP over HTTP; an answer has the type of its request."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Form:
    """How a body is written."""

    encoding: Encoding
    gzip: bool


@dataclass(frozen=True, slots=True)
class Upload:
    """One POST of a sender, not yet decoded."""

    signal: Signal
    form: Form
    body: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of an upload: its spans and logs are committed, but for `rejected` spans that were wrong in themselves."""

    spans: int = 0
    logs: int = 0
    rejected: int = 0


def answer_encoding(content_type: str) -> Encoding:
    """The content type of the answer: that of the request, or JSON when OTLP does not have that."""
    return Encoding.PROTOBUF if _media_type(content_type) == Encoding.PROTOBUF else Encoding.JSON


def form_of(content_type: str, content_encoding: str) -> Form:
    """How the headers say that a body is written. Raises UnsupportedUploadError for what OTLP does not have."""
    media_type, compression = _media_type(content_type), content_encoding.strip().lower() or "identity"
    if media_type not in tuple(Encoding):
        raise UnsupportedUploadError(f"Content-Type {content_type!r:.200} is not supported; allowed: {', '.join(Encoding)}")
    if compression not in ("identity", "gzip"):
        raise UnsupportedUploadError(f"Content-Encoding {content_encoding!r:.200} is not supported; allowed: gzip, identity")
    return Form(Encoding(media_type), compression == "gzip")


def decode(received: Upload) -> Sequence[SpanBatch] | Sequence[ResourceLogs]:
    """What an upload has, by sender. Raises InvalidUploadError or UploadTooLargeError."""
    if received.signal is Signal.SPANS:
        spans = _read(received, ExportTraceServiceRequest, read_traces).resource_spans
        _check_items(len(spans), (len(scope.spans) + 1 for resource in spans for scope in resource.scope_spans))
        return [SpanBatch.of(resource) for resource in spans]
    logs: Sequence[ResourceLogs] = _read(received, ExportLogsServiceRequest, ExportLogsServiceRequest.FromString).resource_logs
    _check_items(len(logs), (len(scope.log_records) + 1 for resource in logs for scope in resource.scope_logs))
    return logs


def _check_items(resources: int, of_scopes: Iterable[int]) -> None:
    total = resources
    for items in chain((0,), of_scopes):
        total += items
        if total > MAX_ITEMS:
            raise UploadTooLargeError(
                f"the body has more than {MAX_ITEMS} spans or log records, resources and scopes; send fewer"
            )


def _read(received: Upload, kind: type[Message], read: Callable[[bytes], Request]) -> Request:
    """The request in an upload, which is of that kind."""
    body = _gunzip(received.body) if received.form.gzip else received.body
    if received.form.encoding is Encoding.JSON:
        request = kind()
        parse_json(body, request)
        body = request.SerializeToString()
    try:
        return read(body)
    except DecodeError as error:
        raise InvalidUploadError(f"the body is not a protobuf {kind.DESCRIPTOR.name}: {error}") from error


def answer(received: Upload, accepted: Accepted) -> bytes:
    """Body of the answer to an upload that was taken."""
    if received.signal is Signal.SPANS:
        traces = ExportTraceServiceResponse()
        if accepted.rejected:
            traces.partial_success.rejected_spans = accepted.rejected
            traces.partial_success.error_message = (
                "a span needs a trace id of 16 bytes and a span id of 8, neither all zero,"
                f" and has at most {MAX_PARTS} attributes, events and links"
            )
        return _serialise(traces, received.form.encoding)
    return _serialise(ExportLogsServiceResponse(), received.form.encoding)


def failure(encoding: Encoding, message: str) -> bytes:
    """Body of the answer to a request that failed: a `google.rpc.Status`."""
    return _serialise(Status(message=message), encoding)


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _serialise(message: Message, encoding: Encoding) -> bytes:
    body = json_format.MessageToJson(message).encode() if encoding is Encoding.JSON else message.SerializeToString()
    return bytes(body)


def _gunzip(body: bytes) -> bytes:
    """Decompresses one gzip member of at most MAX_BODY_BYTES: a small body can otherwise ask for any amount of memory."""
    inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = inflate.decompress(body, MAX_BODY_BYTES)
        if inflate.unconsumed_tail and inflate.decompress(inflate.unconsumed_tail, 1):
            raise UploadTooLargeError(f"the decompressed body has more than {MAX_BODY_BYTES} bytes")
    except zlib.error as error:
        raise InvalidUploadError(f"the body is not gzip: {error}") from error
    if not inflate.eof:
        raise InvalidUploadError("the body is not gzip: it ends before its end mark")
    return plain
