"""The control endpoint: leases are asked for, listed and healed here, by whoever has the token."""

import hmac

from pydantic import ValidationError

from chaos.inject.asgi import (
    BodyTooLargeError,
    CallerGoneError,
    Receive,
    Scope,
    Send,
    answer,
    answer_json,
    answer_problem,
    read_body,
)
from chaos.inject.leases import LeaseRefusedError, LeaseTable, UnknownEdgeError
from chaos.inject.messages import PATH, TOKEN_HEADER, Healed, LeaseRequest

MAX_BODY_BYTES = 65_536
_HEADER = TOKEN_HEADER.lower().encode()


class ControlEndpoint:
    """A pure ASGI application at `/__chaos__/leases`.

    Without a configured token, with a wrong one, and for anything it does not know, it answers a plain 404, as if it were not
    there.
    """

    def __init__(self, table: LeaseTable, token: str | None) -> None:
        self._table = table
        self._token = token.encode() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        path, method = scope["path"].removeprefix(PATH), scope["method"]
        if not self._admits(scope):
            await _not_found(send)
        elif method == "GET" and path == "":
            await answer_json(send, 200, self._table.snapshot())
        elif method == "POST" and path == "":
            await self._grant(receive, send)
        elif method == "DELETE" and path == "":
            await answer_json(send, 200, Healed(healed=self._table.heal()))
        elif method == "DELETE" and path.startswith("/") and path != "/":  # An empty id is a slip, not a wish to heal all.
            await answer_json(send, 200, Healed(healed=self._table.heal(path[1:])))
        else:
            await _not_found(send)

    def _admits(self, scope: Scope) -> bool:
        if self._token is None:
            return False
        given = next((value for name, value in scope["headers"] if name == _HEADER), b"")
        return hmac.compare_digest(given, self._token)

    async def _grant(self, receive: Receive, send: Send) -> None:
        try:
            request = LeaseRequest.model_validate_json(await read_body(receive, MAX_BODY_BYTES))
            lease = self._table.grant(request)
        except CallerGoneError:
            return
        except BodyTooLargeError as error:
            await answer_problem(send, 413, str(error))
        except ValidationError as error:
            await answer_problem(send, 422, _explain(error))
        except UnknownEdgeError as error:
            await answer_problem(send, 422, str(error))
        except LeaseRefusedError as error:
            await answer_problem(send, 409, str(error))
        else:
            await answer_json(send, 201, lease)


async def _not_found(send: Send) -> None:
    await answer(send, 404, b"Not Found", b"text/plain; charset=utf-8")


def _explain(error: ValidationError) -> str:
    """Every mistake with its key, on one line."""
    return "; ".join(
        f"{'.'.join(str(part) for part in detail['loc']) or 'body'}: {detail['msg']}"
        for detail in error.errors(include_url=False, include_input=False, include_context=False)
    )
