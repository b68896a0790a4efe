"""Before the schedule starts: customers sign in once, so that journeys measure what they are about."""

import json

import gevent

from loadtests.client import REQUEST_ERRORS, Client
from loadtests.journeys import JOURNEYS
from loadtests.journeys.journey import Account
from loadtests.journeys.sign_in import read_account, sign_in_request
from loadtests.plan import Plan


class SetupError(Exception):
    """The system under load cannot be used; the text says why."""


def sign_in_customers(plan: Plan, client: Client) -> tuple[Account, ...]:
    """Signs in customers 1 to `plan.customers`, one after another; none when no journey of the mix needs them.

    Raises SetupError for the first who does not get in within `plan.patience_ms`.
    """
    if not any(JOURNEYS[name].needs_account for name in plan.mix.journeys):
        return ()
    return tuple(_sign_in(plan, client, customer) for customer in range(1, plan.customers + 1))


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
