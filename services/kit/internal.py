"""Who may call a service: other services of the same run, by the run's internal token."""

import hmac
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Security
from fastapi.security import APIKeyHeader

from services.kit.errors import ForbiddenError
from services.kit.problems import problems
from services.kit.strict_json import StrictRoute

INTERNAL_TOKEN_HEADER = "X-Internal-Token"  # noqa: S105 - a header's name.
_SCHEME = APIKeyHeader(name=INTERNAL_TOKEN_HEADER, scheme_name="internal token", auto_error=False)


async def require_internal_token(request: Request, given: Annotated[str | None, Security(_SCHEME)]) -> None:
    """FastAPI dependency of every internal router. Raises ForbiddenError. Compares in constant time.

    403 and not 401: whoever passes an answer on must not tell its own caller, who is signed in, to sign in.
    """
    expected: str = request.app.state.settings.internal_token
    if not expected or not hmac.compare_digest((given or "").encode(), expected.encode()):
        raise ForbiddenError(f"{INTERNAL_TOKEN_HEADER} is missing or wrong")


def internal_router(tag: str) -> APIRouter:
    """Routes under /internal for other services alone, with the answers that each of them may give."""
    return APIRouter(
        prefix="/internal",
        dependencies=[Depends(require_internal_token)],
        tags=[tag],
        route_class=StrictRoute,
        responses=problems(ForbiddenError.status),
    )
