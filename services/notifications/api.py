"""Routes of notifications."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from services.kit.internal import require_internal_token
from services.notifications.schemas import Inbox, NotificationIn
from services.notifications.store import NotificationStore

router = APIRouter(prefix="/internal", dependencies=[Depends(require_internal_token)], tags=["notifications"])
INBOX = 50
OrderId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
Kind = Annotated[str, Path(pattern=r"^[a-z_]{1,40}$")]


def _store(request: Request) -> NotificationStore:
    store: NotificationStore = request.app.state.service
    return store


@router.put("/notifications/{order_id}/{kind}", status_code=204)
async def notify(order_id: OrderId, kind: Kind, body: NotificationIn, request: Request) -> None:
    """Tells a customer something about an order, once however often it is asked."""
    await _store(request).add(order_id, kind, body.customer_id, body.text)


@router.get("/notifications")
async def inbox(customer_id: Annotated[int, Query(ge=1)], request: Request) -> Inbox:
    """What a customer was told lately."""
    return Inbox(notifications=await _store(request).latest(customer_id, INBOX))
