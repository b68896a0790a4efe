"""Routes of users."""

from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request

from services.kit.errors import UnauthenticatedError
from services.kit.internal import require_internal_token
from services.users.passwords import Passwords
from services.users.schemas import Credentials, SignedIn
from services.users.seed import PASSWORD_HASH
from services.users.store import CustomerStore

router = APIRouter(prefix="/internal", dependencies=[Depends(require_internal_token)], tags=["users"])


@dataclass(frozen=True)
class Users:
    """What the routes work with."""

    store: CustomerStore
    passwords: Passwords


@router.post("/sign-in")
async def sign_in(credentials: Credentials, request: Request) -> SignedIn:
    """Checks a password. An unknown address costs as much time as a wrong password: neither tells who is a customer."""
    users: Users = request.app.state.service
    customer = await users.store.by_email(credentials.email)
    matches = await users.passwords.matches(customer.password_hash if customer else PASSWORD_HASH, credentials.password)
    if customer is None or not matches:
        raise UnauthenticatedError("email or password is wrong")
    return SignedIn(customer_id=customer.id, name=customer.name)
