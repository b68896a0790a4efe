"""An application that answers and fails in every way that a span can tell of."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse
from opentelemetry import trace

from observability import names
from observability.asgi import App, Receive, Scope, Send

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Refusing:
    """Middleware that answers before anybody routes."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        verdict = dict(scope["headers"]).get(b"x-refuse", b"").decode()
        if verdict == "cut":
            return
        if verdict:
            await send({"type": "http.response.start", "status": int(verdict), "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, send)


class KnownBugError(Exception):
    pass


def application(tracer: trace.Tracer) -> FastAPI:
    """Whose `state.waits` is set once a request of /slow waits for good."""
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    app.state.waits = asyncio.Event()
    add_answers(app)
    add_errors(app)
    add_spans(app, tracer)
    app.add_middleware(Refusing)
    return app


def add_answers(app: FastAPI) -> None:
    items = APIRouter(prefix="/v1/items")

    @app.get("/accounts/{number}")
    async def account(number: int) -> int:
        return number

    @app.post("/accounts")
    async def create(request: Request) -> int:
        return len(await request.body())

    @items.get("/{item}/parts/{part}")
    async def part(item: int, part: int) -> int:
        return item + part

    @app.get("/parts")
    async def parts() -> StreamingResponse:
        return StreamingResponse(iter(["a", "b"]))

    @app.get("/slow")
    async def slow() -> None:
        app.state.waits.set()
        await asyncio.Event().wait()

    @app.get("/health/ready")
    @app.get("/health-food")
    async def healthy() -> None:
        return None

    app.include_router(items)


def add_errors(app: FastAPI) -> None:
    @app.get("/refused")
    async def refused() -> None:
        raise HTTPException(409)

    @app.get("/failed")
    async def failed() -> None:
        raise HTTPException(503)

    @app.get("/bug")
    async def bug() -> None:
        raise RuntimeError("seven")

    @app.get("/known-bug")
    async def known_bug() -> None:
        raise KnownBugError

    @app.exception_handler(KnownBugError)
    async def apologise(request: Request, error: Exception) -> StreamingResponse:
        return StreamingResponse(iter(["sorry"]), status_code=502)

    @app.get("/torn")
    async def torn() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            yield "a"
            raise RuntimeError("in the middle")

        return StreamingResponse(parts())


def add_spans(app: FastAPI, tracer: trace.Tracer) -> None:
    @app.get("/worked")
    async def worked() -> None:
        with tracer.start_as_current_span("work"):
            await asyncio.sleep(0)

    @app.get("/described")
    async def described() -> None:
        span = trace.get_current_span()
        span.set_attribute(names.ATTR_DEGRADED, "static")
        span.add_event(names.EVENT_FALLBACK, {names.ATTR_EDGE: "a->b"})
