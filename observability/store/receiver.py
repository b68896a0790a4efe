"""The OTLP side: `POST /v1/traces` and `POST /v1/logs`, answered when what they carry is committed."""

import asyncio
from typing import Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from observability.store import otlp
from observability.store.budget import ByteBudget, Hold
from observability.store.errors import InvalidUploadError, QueueFullError, StoreError, UploadTimeoutError, UploadTooLargeError
from observability.store.health import health_routes
from observability.store.schema import Signal
from observability.store.store_metrics import StoreMetrics
from observability.store.writer import Writer

MAX_WAITING_BYTES: Final = 8 * 1024 * 1024
"""Of all uploads between their first byte and their commit: two of the largest, or some hundred usual ones."""

READ_TIMEOUT_S: Final = 10.0
"""For a body to arrive; an OTLP exporter gives a whole request as long."""


def receiver_app(writer: Writer, budget: ByteBudget, metrics: StoreMetrics, read_timeout_s: float = READ_TIMEOUT_S) -> Starlette:
    """The ASGI application of the OTLP side."""
    receiver = Receiver(writer, budget, metrics, read_timeout_s)
    return Starlette(
        routes=[
            Route("/v1/traces", receiver.traces, methods=["POST"]),
            Route("/v1/logs", receiver.logs, methods=["POST"]),
            *health_routes(writer),
        ]
    )


class Receiver:
    """Reads uploads within the budget and hands them to the writer."""

    def __init__(self, writer: Writer, budget: ByteBudget, metrics: StoreMetrics, read_timeout_s: float) -> None:
        self._writer = writer
        self._budget = budget
        self._metrics = metrics
        self._read_timeout_s = read_timeout_s

    async def traces(self, request: Request) -> Response:
        """`POST /v1/traces`: an ExportTraceServiceRequest."""
        return await self._take(request, Signal.SPANS)

    async def logs(self, request: Request) -> Response:
        """`POST /v1/logs`: an ExportLogsServiceRequest."""
        return await self._take(request, Signal.LOGS)

    async def _take(self, request: Request, signal: Signal) -> Response:
        content_type = request.headers.get("content-type", "")
        media_type = otlp.answer_encoding(content_type)
        try:
            form = otlp.form_of(content_type, request.headers.get("content-encoding", ""))
            with self._budget.hold() as hold:
                upload = otlp.Upload(signal, form, await self._body(request, hold))
                accepted = await self._writer.submit(upload)
        except StoreError as error:
            self._metrics.rejected.labels(error.reason).inc()
            headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
            return Response(otlp.failure(media_type, str(error)), error.status, headers, media_type)
        return Response(otlp.answer(upload, accepted), media_type=media_type)

    async def _body(self, request: Request, hold: Hold) -> bytes:
        """The body, read within time, size and budget. What follows a refusal is discarded by the HTTP server."""
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(self._read_timeout_s):
                async for part in request.stream():
                    if hold.size_bytes + len(part) > otlp.MAX_BODY_BYTES:
                        raise UploadTooLargeError(f"the body has more than {otlp.MAX_BODY_BYTES} bytes")
                    if not hold.grow(len(part)):
                        raise QueueFullError(f"{self._budget.limit_bytes} bytes are waiting to be written; send this again later")
                    parts.append(part)
        except TimeoutError:
            raise UploadTimeoutError(f"the body did not arrive within {self._read_timeout_s:g} s") from None
        except ClientDisconnect:
            raise InvalidUploadError("the sender left before the end of the body") from None
        return b"".join(parts)
