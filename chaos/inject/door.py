"""Who may use a control endpoint, and what anybody else is told: nothing."""

import hmac

from pydantic import ValidationError

from chaos.inject.asgi import Scope, Send, answer
from chaos.inject.messages import TOKEN_HEADER

_HEADER = TOKEN_HEADER.lower().encode()


class Door:
    """Opens to whoever has the run's token, in time that does not depend on what was tried; without a token it stays shut."""

    def __init__(self, token: str | None) -> None:
        self._token = token.encode() if token else None

    def admits(self, scope: Scope) -> bool:
        """Whether this request may go on."""
        if self._token is None:
            return False
        given = next((value for name, value in scope["headers"] if name == _HEADER), b"")
        return hmac.compare_digest(given, self._token)


async def answer_not_found(send: Send) -> None:
    """A plain 404, as if there were no endpoint."""
    await answer(send, 404, b"Not Found", b"text/plain; charset=utf-8")


def explain(error: ValidationError) -> str:
    """Every mistake in a message, with its key, on one line."""
    return "; ".join(
        f"{'.'.join(str(part) for part in detail['loc']) or 'body'}: {detail['msg']}"
        for detail in error.errors(include_url=False, include_input=False, include_context=False)
    )
