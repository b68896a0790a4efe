"""What payments tells whoever checks the books: nothing that can be computed from the rest is taken on trust.

Pages are complete once payments rest: while they are written, a transaction may be committed after one with a higher number.
"""

from typing import Annotated

from fastapi import Query, Request

from services.kit.audit import MAX_PAGE, After, Limit, Page, page_of
from services.kit.internal import internal_router
from services.payments.domain import Entry
from services.payments.processor import Processor
from services.payments.schemas import MAX_ID, BalanceAudit, EntryOut, PaymentAudit, TransactionAudit

router = internal_router("payments")
AfterNumber = Annotated[int, Query(ge=0, le=MAX_ID, description="`next` of the page before; 0 for the first")]


def _processor(request: Request) -> Processor:
    processor: Processor = request.app.state.service
    return processor


def _entry(entry: Entry) -> EntryOut:
    return EntryOut(account=entry.account, amount_cents=entry.amount_cents)


@router.get("/audit")
async def audit_payments(request: Request, after: After = "", limit: Limit = MAX_PAGE) -> Page[PaymentAudit]:
    """All payments, by order id."""
    found = await _processor(request).store.page(after, limit + 1)
    rows = [
        PaymentAudit(
            order_id=each.payment.order_id,
            customer_id=each.payment.customer_id,
            amount_cents=each.payment.amount_cents,
            state=each.payment.state,
            captures=each.captures,
            refunds=each.refunds,
        )
        for each in found
    ]
    return page_of(rows, [row.order_id for row in rows], limit)


@router.get("/audit/ledger")
async def audit_ledger(request: Request, after: AfterNumber = 0, limit: Limit = MAX_PAGE) -> Page[TransactionAudit]:
    """All transactions with their entries, by number."""
    found = await _processor(request).store.ledger.page(after, limit + 1)
    rows = [
        TransactionAudit(
            id=each.id,
            order_id=each.transaction.order_id,
            kind=each.transaction.step,
            entries=[_entry(entry) for entry in each.transaction.entries],
        )
        for each in found
    ]
    return page_of(rows, [str(row.id) for row in rows], limit)


@router.get("/audit/balances")
async def audit_balances(request: Request, after: After = "", limit: Limit = MAX_PAGE) -> Page[BalanceAudit]:
    """All accounts and their balances, by name."""
    found = await _processor(request).store.ledger.balances(after, limit + 1)
    rows = [BalanceAudit(account=each.account, balance_cents=each.amount_cents) for each in found]
    return page_of(rows, [row.account for row in rows], limit)
