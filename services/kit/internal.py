"""Who may call a service: other services of the same run, by the run's internal token."""

import hmac

from fastapi import Header, Request

from services.kit.errors import UnauthenticatedError

INTERNAL_TOKEN_HEADER = "X-Internal-Token"  # noqa: S105 - a header's name.


async def require_internal_token(request: Request, x_internal_token: str = Header(default="")) -> None:
    """FastAPI dependency of every internal router. Raises UnauthenticatedError. Compares in constant time.

    A coroutine, though it waits for nothing: FastAPI would run a plain function in a thread.
    """
    expected: str = request.app.state.settings.internal_token
    if not expected or not hmac.compare_digest(x_internal_token.encode(), expected.encode()):
        raise UnauthenticatedError(f"{INTERNAL_TOKEN_HEADER} is missing or wrong")
