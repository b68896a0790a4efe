"""The query side: Jaeger's query API as Grafana's data source asks it, our log search, and the page. It only reads.

Every answer of `/api` has Jaeger's envelope `{data, total, limit, offset, errors}`; `errors` is null or a list of `{code, msg}`.
"""

import asyncio
import json
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from http import HTTPStatus
from typing import Final, ParamSpec, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from observability.store.dependencies import Dependencies
from observability.store.errors import NotFoundError, StoreError
from observability.store.health import health_routes
from observability.store.logs import Logs
from observability.store.page import Page
from observability.store.parameters import Parameters
from observability.store.queries import dependency_query, log_query, no_parameters, operations_query, trace_query
from observability.store.store_metrics import StoreMetrics
from observability.store.traces import TraceQuery, Traces
from observability.store.writer import Writer

P = ParamSpec("P")
R = TypeVar("R")

_US_PER_S: Final = 1_000_000
_PART_BYTES: Final = 128 * 1024  # Of an answer, made before it is sent and others have their turn: some ten traces, in 10 ms.


def query_app(api: "QueryApi", page: Page, writer: Writer, metrics: StoreMetrics) -> Starlette:
    """The ASGI application of the query side."""
    return Starlette(
        routes=[
            Route("/api/services", api.services),
            Route("/api/services/{service:path}/operations", api.operations_of_service),
            Route("/api/operations", api.operations),
            Route("/api/traces", api.traces),
            Route("/api/traces/{trace_id}", api.trace),
            Route("/api/dependencies", api.dependencies),
            Route("/api/logs", api.logs),
            Route("/metrics", metrics.answer),
            *page.routes,
            *health_routes(writer),
        ],
        exception_handlers={StoreError: _refused, HTTPException: _refused_by_routing, sqlite3.Error: _unreadable},
    )


class QueryApi:
    """Answers queries; SQLite is read on the executor's one thread."""

    def __init__(
        self, traces: Traces, dependencies: Dependencies, logs: Logs, executor: Executor, clock_s: Callable[[], float]
    ) -> None:
        self._traces = traces
        self._dependencies = dependencies
        self._logs = logs
        self._executor = executor
        self._clock_s = clock_s

    async def services(self, request: Request) -> Response:
        """Names of services that sent spans."""
        no_parameters(request.query_params.multi_items())
        return _answer(await self._run(self._traces.services))

    async def operations_of_service(self, request: Request) -> Response:
        """Span names of a service: texts, as Grafana reads them."""
        no_parameters(request.query_params.multi_items())
        operations = await self._run(self._traces.operations, request.path_params["service"])
        return _answer(list(dict.fromkeys(operation.name for operation in operations)))

    async def operations(self, request: Request) -> Response:
        """Span names of a service with their kinds."""
        query = operations_query(request.query_params.multi_items())
        operations = await self._run(self._traces.operations, query.service)
        wanted = [operation for operation in operations if query.kind in (None, operation.kind)]
        return _answer([{"name": operation.name, "spanKind": operation.kind} for operation in wanted])

    async def traces(self, request: Request) -> Response:
        """A search, or the traces that are named."""
        query = trace_query(request.query_params.multi_items(), self._now_us())
        trace_ids = await self._run(self._traces.search, query) if isinstance(query, TraceQuery) else query
        limit = query.limit if isinstance(query, TraceQuery) else 0
        return StreamingResponse(self._stream(trace_ids, limit), media_type="application/json")

    async def trace(self, request: Request) -> Response:
        """One trace; an unknown one is a 404, which Grafana tells from an empty answer."""
        no_parameters(request.query_params.multi_items(), "start", "end")
        parameters = Parameters([("trace_id", request.path_params["trace_id"])], ("trace_id",))
        trace_ids = parameters.trace_ids("trace_id")
        parameters.check()
        trace = await self._run(self._traces.trace, trace_ids[0])
        if trace is None:
            raise NotFoundError(f"trace {trace_ids[0].hex()} not found")
        return Response(b'{"data":[%b],"total":1,"limit":0,"offset":0,"errors":null}' % trace, media_type="application/json")

    async def dependencies(self, request: Request) -> Response:
        """Calls between services, by when the callee began."""
        query = dependency_query(request.query_params.multi_items(), self._now_us())
        return _answer(await self._run(self._dependencies.search, query))

    async def logs(self, request: Request) -> Response:
        """Log records: the most recent ones that match, the oldest of them first. Ours; Jaeger keeps no logs.

        `service` (which may repeat), `trace_id` (hexadecimal), `level` (the least severe one: trace, debug, info, warn, error,
        fatal; warning and critical will do), `grep` (text in the message, the logger or a field), `since` (microseconds since
        1970, or a duration back from now such as 5m) and `limit` (100 unless given, at most 5,000).
        Each record is an `observability.store.logs.LogLine`.
        """
        query = log_query(request.query_params.multi_items(), self._now_us())
        return _answer(await self._run(self._logs.search, query), limit=query.limit)

    async def _stream(self, trace_ids: Sequence[bytes], limit: int) -> AsyncIterator[bytes]:
        """The envelope, some traces at a time, so that an answer of a thousand never stands in memory whole."""
        waiting = deque(trace_ids)
        total = 0
        missing: list[dict[str, object]] = []
        yield b'{"data":['
        while waiting:
            shown = await self._run(self._next, waiting, missing)
            if shown:
                yield (b"," if total else b"") + b",".join(shown)
            total += len(shown)
        # A search may find a trace that is deleted before its turn comes: that is none of the reader's business.
        errors = json.dumps(missing) if missing and not limit else "null"
        yield f'],"total":{total},"limit":{limit},"offset":0,"errors":{errors}}}'.encode()

    def _next(self, waiting: deque[bytes], missing: list[dict[str, object]]) -> list[bytes]:
        """The next traces of an answer, as many as make a part of it; those that are not there are added to `missing`."""
        shown: list[bytes] = []
        size_bytes = 0
        while waiting and size_bytes < _PART_BYTES:
            trace_id = waiting.popleft()
            trace = self._traces.trace(trace_id)
            if trace is None:
                missing.append({"code": HTTPStatus.NOT_FOUND, "msg": "trace not found", "traceID": trace_id.hex()})
            else:
                shown.append(trace)
                size_bytes += len(trace)
        return shown

    async def _run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._executor, lambda: function(*args, **kwargs))

    def _now_us(self) -> int:
        return int(self._clock_s() * _US_PER_S)


def _answer(data: Sequence[object], limit: int = 0) -> Response:
    return JSONResponse({"data": data, "total": len(data), "limit": limit, "offset": 0, "errors": None})


def _failure(status: int, messages: Sequence[str]) -> Response:
    errors = [{"code": status, "msg": message} for message in messages]
    return JSONResponse({"data": None, "total": 0, "limit": 0, "offset": 0, "errors": errors}, status)


async def _refused(_: Request, error: Exception) -> Response:
    return _failure(error.status, error.messages) if isinstance(error, StoreError) else _failure(500, [str(error)])


async def _unreadable(_: Request, error: Exception) -> Response:
    return _failure(HTTPStatus.SERVICE_UNAVAILABLE, [f"the telemetry file cannot be read: {error}"])


async def _refused_by_routing(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    allowed = (f"GET {route.path}" for route in request.app.routes if route.path.startswith("/api"))
    return _failure(status, [f"{request.method} {request.url.path} is not part of this API; allowed: {', '.join(allowed)}"])
