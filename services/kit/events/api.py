"""What a service with events answers to other services: events pushed to it, its dead letters, and what it sent and handled."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field

from services.kit.audit import MAX_PAGE, After, Limit, Page, page_of
from services.kit.errors import NotFoundError
from services.kit.events.event import Envelope
from services.kit.events.inbox import Inbox
from services.kit.events.inbox_rows import InboxRow, InboxState
from services.kit.events.push import PATH
from services.kit.events.service import Events
from services.kit.internal import require_internal_token
from services.kit.problems import problems

router = APIRouter(dependencies=[Depends(require_internal_token)], tags=["events"], responses=problems(403, 404))
_EventId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
_SHOWN = 2_000
"""Characters of a dead event: a page of them stays below what a caller takes."""
_ROW = r"^$|^\d{1,18}$"


class DeadLetter(BaseModel):
    """An event that could not be handled, and why."""

    event_id: str
    type: str
    key: str
    attempts: int
    error: str
    at: float = Field(description="Unix time in seconds of the last attempt")
    envelope: str = Field(description="the event as it arrived, for people: its first 2,000 characters")


class InboxAudit(BaseModel):
    """What became of an event that arrived."""

    event_id: str
    type: str
    key: str
    state: InboxState


class OutboxAudit(BaseModel):
    """An event on its way to one destination."""

    event_id: str
    type: str
    key: str
    destination: str
    sent: bool


def _events(request: Request) -> Events:
    opened: list[Events] = request.app.state.kit.opened_events
    if not opened:
        raise NotFoundError("this service has no events")
    return opened[0]


def _inbox(request: Request) -> Inbox:
    return _events(request).inbox


@router.post(
    PATH,
    status_code=204,
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": Envelope.model_json_schema()}}}},
    responses=problems(403, 404, 503),
)
async def receive(request: Request) -> Response:
    """Takes an event; 204 says that it need not be sent again. What cannot be read is kept as a dead letter."""
    await _inbox(request).receive(await request.body())
    return Response(status_code=204)


@router.get("/internal/dead-letters")
async def dead_letters(request: Request, after: After = "", limit: Limit = MAX_PAGE) -> Page[DeadLetter]:
    """Events that could not be handled, by id."""
    rows = [_letter(row) for row in await _inbox(request).page(after, limit + 1, InboxState.DEAD)]
    return page_of(rows, [row.event_id for row in rows], limit)


@router.post("/internal/dead-letters/{event_id}/replay", status_code=204, responses=problems(403, 404, 409, 503))
async def replay(event_id: _EventId, request: Request) -> Response:
    """Handles a dead letter after all."""
    await _inbox(request).replay(event_id)
    return Response(status_code=204)


@router.get("/internal/audit/inbox")
async def audit_inbox(request: Request, after: After = "", limit: Limit = MAX_PAGE) -> Page[InboxAudit]:
    """What became of every event that arrived, by id."""
    found = await _inbox(request).page(after, limit + 1)
    rows = [InboxAudit(event_id=row.event_id, type=row.type, key=row.key, state=row.state) for row in found]
    return page_of(rows, [row.event_id for row in rows], limit)


@router.get("/internal/audit/outbox")
async def audit_outbox(
    request: Request,
    after: Annotated[str, Query(pattern=_ROW, description="`next` of the page before; empty for the first")] = "",
    limit: Limit = MAX_PAGE,
) -> Page[OutboxAudit]:
    """Every event that was published, once a destination, in the order of publishing."""
    found = await _events(request).published(int(after or 0), limit + 1)
    rows = [
        OutboxAudit(event_id=each.event_id, type=each.type, key=each.key, destination=each.destination, sent=each.sent)
        for each in found
    ]
    return page_of(rows, [str(each.row) for each in found], limit)


def _letter(row: InboxRow) -> DeadLetter:
    return DeadLetter(
        event_id=row.event_id,
        type=row.type,
        key=row.key,
        attempts=row.attempts,
        error=row.error,
        at=row.at,
        envelope=(row.envelope or "")[:_SHOWN],
    )
