"""Customers sign in before the first arrival, so that journeys measure what they are about, and stay signed in."""

import json
import logging
from collections.abc import Sequence

import gevent

from loadtests.client import REQUEST_ERRORS, Client
from loadtests.journeys import JOURNEYS
from loadtests.journeys.journey import Account
from loadtests.journeys.sign_in import read_account, sign_in_request
from loadtests.plan import Plan

log = logging.getLogger(__name__)


class SetupError(Exception):
    """The system under load cannot be used; the text says why."""


def sign_in_customers(plan: Plan, client: Client) -> tuple[Account, ...]:
    """Signs in customers 1 to `plan.customers`, one after another; none when no journey of the mix needs them.

    Raises SetupError for the first who does not get in within `plan.patience_ms`.
    """
    if not any(JOURNEYS[name].needs_account for name in plan.mix.journeys):
        return ()
    return tuple(_sign_in(plan, client, customer) for customer in range(1, plan.customers + 1))


def keep_signed_in(plan: Plan, client: Client, accounts: Sequence[Account], pause_s: float = 10.0) -> None:
    """Renews all tokens at half of their lifetime, until its greenlet is killed.

    A failure is told, and tried again after `pause_s`, which is also the least between two renewals.
    """
    failed = False
    while accounts:
        half_s = min(account.lifetime_s for account in accounts) / 2
        gevent.sleep(pause_s if failed else max(pause_s, half_s))
        failed = False
        try:
            for customer, account in enumerate(accounts, 1):
                account.token = _sign_in(plan, client, customer).token
        except SetupError as error:
            log.warning("A token could not be renewed: %s", error)
            failed = True


def _sign_in(plan: Plan, client: Client, customer: int) -> Account:
    request = sign_in_request(customer)
    reason: str
    try:
        with gevent.Timeout(plan.patience_ms / 1_000):
            answer = client.send(request.method, request.path, {"Content-Type": "application/json"}, request.payload)
        if answer.status == request.expected_status:
            return read_account(json.loads(answer.body))
        reason = f"status {answer.status}"
    except gevent.Timeout:
        reason = f"no answer within {plan.patience_ms:g} ms"
    except (*REQUEST_ERRORS, ValueError) as error:
        reason = str(error) or type(error).__name__
    raise SetupError(f"customer {customer} cannot sign in at {plan.host}{request.path}: {reason}")
