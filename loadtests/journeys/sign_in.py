"""A customer signs in."""

from loadtests.journeys.catalogue import CUSTOMERS, PASSWORD, email
from loadtests.journeys.journey import Account, Journey, Request, Visit, read_field


def sign_in_request(customer: int) -> Request:
    """The one step, for customer number `customer`."""
    return Request("sign_in", "POST", "/v1/sessions", 201, {"email": email(customer), "password": PASSWORD})


def read_account(body: object) -> Account:
    """The account of an answered sign-in. Raises ValueError without a usable token and its lifetime."""
    token = read_field(body, "token", str)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("no token that fits a header")
    return Account(token, read_field(body, "expires_in_s", int))


def _run(visit: Visit) -> None:
    visit.ask(sign_in_request(visit.random.randint(1, CUSTOMERS)), read_account)


SIGN_IN = Journey("sign_in", ("sign_in",), _run)
