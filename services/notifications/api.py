"""Routes of notifications."""

from typing import Annotated

from fastapi import Query, Request

from services.kit.internal import internal_router
from services.notifications.schemas import MAX_CUSTOMER_ID, Inbox
from services.notifications.store import NotificationStore

router = internal_router("notifications")
INBOX = 50


def _store(request: Request) -> NotificationStore:
    store: NotificationStore = request.app.state.service
    return store


@router.get("/notifications")
async def inbox(customer_id: Annotated[int, Query(ge=1, le=MAX_CUSTOMER_ID)], request: Request) -> Inbox:
    """What a customer was told lately."""
    return Inbox(notifications=await _store(request).latest(customer_id, INBOX))
