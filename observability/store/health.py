"""`/health/live` and `/health/ready`, the same on both sides of the store."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from observability.store.writer import Writer


def health_routes(writer: Writer) -> Sequence[Route]:
    """Alive is a process that answers; ready is one whose last write succeeded."""

    async def live(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> JSONResponse:
        if writer.failure:
            return JSONResponse({"status": "failed", "reason": writer.failure}, status_code=503)
        return JSONResponse({"status": "ok"})

    return (Route("/health/live", live), Route("/health/ready", ready))
