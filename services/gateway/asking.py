"""Who asks the gateway, and whether it may: what routes depend on before they do anything."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from services.gateway.clients import Deliveries, Notifications, Orders, Restaurants, Users
from services.gateway.rate_limit import OF_PASSWORD, Rate, RateLimit
from services.gateway.room import Room
from services.gateway.tokens import Tokens
from services.kit.caller import Caller
from services.kit.errors import UnauthenticatedError
from services.kit.settings import Settings

_DOCUMENTED = HTTPBearer(scheme_name="customer", bearerFormat="JWT", description="From POST /v1/sessions", auto_error=False)


@dataclass(frozen=True)
class Limits:
    """How much may be asked: signed in, not signed in, and of passwords.

    One address may be a whole office, or the load of an experiment, which asks a tenth of the default. A customer's default is
    quicker than fingers, than an application's retries, and than that load on each of its customers.
    """

    customers: RateLimit
    addresses: RateLimit
    passwords: RateLimit

    @classmethod
    def of(cls, settings: Settings, clock: Callable[[], float]) -> "Limits":
        """As the process was told. `clock`: monotonic seconds."""
        rates = Rate.with_burst(settings.rate_limit_user), Rate.with_burst(settings.rate_limit_address), OF_PASSWORD
        return cls(*(RateLimit(rate, clock) for rate in rates))


@dataclass(frozen=True)
class Gateway:
    """What the routes work with."""

    tokens: Tokens
    limits: Limits
    desk: Room
    users: Users
    restaurants: Restaurants
    orders: Orders
    deliveries: Deliveries
    notifications: Notifications

    @classmethod
    def of(cls, tokens: Tokens, limits: Limits, desk: Room, caller: Caller) -> "Gateway":
        """With a client for every service behind it."""
        return cls(
            tokens, limits, desk, Users(caller), Restaurants(caller), Orders(caller), Deliveries(caller), Notifications(caller)
        )


def gateway_of(request: Request) -> Gateway:
    """What this application's lifespan has made."""
    gateway: Gateway = request.app.state.service
    return gateway


def address_of(request: Request) -> str:
    """Where a connection comes from. `X-Forwarded-For` is not read: anybody can write it, and no proxy of ours is there."""
    return request.client.host if request.client else ""


async def admitted(request: Request) -> int | None:
    """FastAPI dependency of every route: the customer who asks, None when nobody has signed in. Raises TooManyRequestsError.

    A token that is not good counts for the address that sends it, or it could be guessed at without a limit.
    """
    gateway = gateway_of(request)
    try:
        customer_id = gateway.tokens.customer_of(request.headers.get("authorization", ""))
    except UnauthenticatedError:
        gateway.limits.addresses.take(address_of(request))
        return None
    gateway.limits.customers.take(str(customer_id))
    return customer_id


async def signed_in(
    request: Request, asker: Annotated[int | None, Depends(admitted)], _documented: Annotated[object, Security(_DOCUMENTED)]
) -> int:
    """FastAPI dependency: the customer who asks. Raises UnauthenticatedError, which says what is wrong with the token."""
    return gateway_of(request).tokens.customer_of(request.headers.get("authorization", "")) if asker is None else asker


Customer = Annotated[int, Depends(signed_in)]
