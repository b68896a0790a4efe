"""Routes of notifications."""

from typing import Annotated

from fastapi import Query, Request

from services.kit.audit import MAX_PAGE, After, Limit, Page, page_of
from services.kit.internal import internal_router
from services.notifications.schemas import MAX_CUSTOMER_ID, Inbox, NotificationAudit
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


@router.get("/audit")
async def audit(request: Request, after: After = "", limit: Limit = MAX_PAGE) -> Page[NotificationAudit]:
    """All notifications, by the id of the event that made them."""
    rows = await _store(request).page(after, limit + 1)
    return page_of(rows, [row.event_id for row in rows], limit)
