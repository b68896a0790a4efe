"""Who may call a service: other services of the same run, by the run's internal token."""

import hmac

from fastapi import APIRouter, Depends
from fastapi.security import APIKeyHeader
from starlette.requests import HTTPConnection

from services.kit.errors import ForbiddenError
from services.kit.problems import problems
from services.kit.strict_json import StrictRoute

INTERNAL_TOKEN_HEADER = "X-Internal-Token"  # noqa: S105 - a header's name.


class InternalToken(APIKeyHeader):
    """FastAPI dependency of every internal router, and its scheme in the document: one for both, for each costs every request."""

    def __init__(self) -> None:
        super().__init__(name=INTERNAL_TOKEN_HEADER, scheme_name="internal token", auto_error=False)

    async def __call__(self, request: HTTPConnection) -> str:
        """The token. Raises ForbiddenError. Compares in constant time.

        403 and not 401: whoever passes an answer on must not tell its own caller, who is signed in, to sign in.
        """
        given, expected = request.headers.get(INTERNAL_TOKEN_HEADER, ""), request.app.state.settings.internal_token
        if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
            raise ForbiddenError(f"{INTERNAL_TOKEN_HEADER} is missing or wrong")
        return given


require_internal_token = InternalToken()


def internal_router(tag: str) -> APIRouter:
    """Routes under /internal for other services alone, with the answers that each of them may give."""
    return APIRouter(
        prefix="/internal",
        dependencies=[Depends(require_internal_token)],
        tags=[tag],
        route_class=StrictRoute,
        responses=problems(ForbiddenError.status),
    )
