"""Payments, step by step: what is decided here, and when the acquirer is told.

An authorisation is asked for first and kept if it is granted: if this process dies in between, the hold at the acquirer lapses,
as holds do that nobody captures. Every other step is decided here first, in one transaction, so that of two that contradict
each other one is refused before the acquirer hears of it. Then the acquirer is told; nothing waits for it inside a transaction.
If that fails, the caller does not get its answer and comes again, and then the acquirer is told again if money is to move: an
answer means that the acquirer knows.
"""

from dataclasses import dataclass

from services.payments.acquirer import Acquirer
from services.payments.domain import Payment, PaymentState, Step, repeated
from services.payments.store import PaymentStore

_MOVED = {PaymentState.CAPTURED: Step.CAPTURE, PaymentState.REFUNDED: Step.REFUND}


@dataclass(frozen=True)
class Processor:
    """Takes the steps of payments; each may be repeated, and takes effect once."""

    store: PaymentStore
    acquirer: Acquirer

    async def authorise(self, order_id: str, customer_id: int, amount_cents: int) -> Payment:
        """Holds an amount of a customer's money.

        Raises:
            PaymentRefusedError: The payment is undone, or is another one.
            RefusedError: The acquirer declines; nothing is kept of it.
            OverloadedError, DeadlineExceededError: The acquirer was not asked.
        """
        wanted = Payment(order_id, customer_id, amount_cents, PaymentState.AUTHORISED)
        existing = await self.store.find(order_id)
        if existing:
            return repeated(existing, wanted)
        await self.acquirer.ask(Step.AUTHORISE, order_id, amount_cents)
        return await self.store.authorise(wanted)

    async def take(self, step: Step, order_id: str) -> Payment:
        """Captures, voids or refunds.

        Raises:
            PaymentRefusedError: The payment's state does not allow it.
            OverloadedError, DeadlineExceededError: It is decided, and the acquirer could not be told; ask again.
        """
        change = await self.store.change(step, order_id)
        payment = change.payment
        if payment.state in _MOVED:
            await self.acquirer.ask(_MOVED[payment.state], order_id, payment.amount_cents)
        elif change.is_new and payment.amount_cents:
            await self.acquirer.ask(Step.VOID, order_id, payment.amount_cents)
        return payment
