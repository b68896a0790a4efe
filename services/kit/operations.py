"""What the platform asks of every service.

The routes are made when this module is imported, so once for all processes that are forked from a warmed parent: each would
otherwise build the models of their answers by itself.
"""

from fastapi import APIRouter, Request, Response

from observability.exposition import CONTENT_TYPE, exposition
from observability.telemetry import Telemetry

router = APIRouter(tags=["operations"])


@router.get("/health/live")
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "live"}


@router.get("/health/ready")
async def ready() -> dict[str, str]:
    """The service has started; an absent dependency is its caller's policies' concern, not a reason to be unready."""
    return {"status": "ready"}


@router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """OpenMetrics, the format that carries exemplars."""
    telemetry: Telemetry = request.app.state.telemetry
    return Response(await exposition(telemetry.metrics.registry), media_type=CONTENT_TYPE)
