"""Who a customer is, as a signed token that expires."""

import time

import jwt

from services.kit.errors import UnauthenticatedError

LIFETIME_S = 3_600
_ALGORITHM = "HS256"
_ISSUER = "feastfast"


class Tokens:
    """Issues and reads tokens under one key, which all replicas of a run share."""

    def __init__(self, key: str) -> None:
        self._key = key

    def issue(self, customer_id: int) -> str:
        """A token for `customer_id`, good for LIFETIME_S."""
        now = int(time.time())
        claims = {"sub": str(customer_id), "iss": _ISSUER, "iat": now, "exp": now + LIFETIME_S}
        return jwt.encode(claims, self._key, _ALGORITHM)

    def customer_of(self, authorization: str) -> int:
        """The customer whom an `Authorization: Bearer ...` header names. Raises UnauthenticatedError."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise UnauthenticatedError("sign in at POST /v1/sessions and send its token as: Authorization: Bearer <token>")
        try:
            claims = jwt.decode(token, self._key, [_ALGORITHM], issuer=_ISSUER, options={"require": ["exp", "sub", "iss"]})
            return int(claims["sub"])
        except (jwt.InvalidTokenError, ValueError):
            raise UnauthenticatedError("the token is not valid or has expired; sign in again") from None
