"""Routes of users."""

from dataclasses import dataclass

from fastapi import Request

from services.kit.errors import ConflictError, RefusedError, UnauthenticatedError
from services.kit.internal import internal_router
from services.kit.problems import problems
from services.users.domain import UnfitError, normal_email, normal_name
from services.users.passwords import Passwords
from services.users.schemas import Credentials, CustomerIn, CustomerOut, SignedIn
from services.users.seed import PASSWORD_HASH
from services.users.store import Customer, CustomerStore

router = internal_router("users")


@dataclass(frozen=True)
class Users:
    """What the routes work with."""

    store: CustomerStore
    passwords: Passwords


@router.post("/customers", status_code=201, responses=problems(409, 429))
async def sign_up(body: CustomerIn, request: Request) -> CustomerOut:
    """Makes a customer of somebody.

    It can be repeated without a key of its own: who knows the password of an address is whom that address belongs to, so the
    same address and password answer with the customer that they made, whose name stays. Another password is a conflict, which
    tells that the address is taken, as any sign-up must, and nothing else. Either way it costs one password hash.
    """
    users: Users = request.app.state.service
    try:
        email, name = normal_email(body.email), normal_name(body.name)
    except UnfitError as error:
        raise RefusedError(str(error)) from None
    known = await users.store.by_email(email)
    if known is None:
        fresh = await users.store.add(email, name, await users.passwords.hash(body.password))
        if fresh is not None:
            return _out(email, fresh)
        known = await users.store.by_email(email)  # Somebody else was first, a moment ago.
    if known is None or not await users.passwords.matches(known.password_hash, body.password):
        raise ConflictError("somebody has signed up with this email; sign in, or take another")
    return _out(email, known)


@router.post("/sign-in", responses=problems(401, 429))
async def sign_in(credentials: Credentials, request: Request) -> SignedIn:
    """Checks a password. An unknown address costs as much time as a wrong password: neither tells who is a customer."""
    users: Users = request.app.state.service
    customer = await _known(users, credentials.email)
    matches = await users.passwords.matches(customer.password_hash if customer else PASSWORD_HASH, credentials.password)
    if customer is None or not matches:
        raise UnauthenticatedError("email or password is wrong")
    return SignedIn(customer_id=customer.id, name=customer.name)


async def _known(users: Users, email: str) -> Customer | None:
    try:
        return await users.store.by_email(normal_email(email))
    except UnfitError:
        return None  # Nobody can have signed up with it.


def _out(email: str, customer: Customer) -> CustomerOut:
    return CustomerOut(customer_id=customer.id, email=email, name=customer.name)
