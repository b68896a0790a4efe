"""The control endpoint: leases are asked for, listed and healed here, by whoever has the token."""

from pydantic import ValidationError

from chaos.inject.asgi import (
    BodyTooLargeError,
    CallerGoneError,
    Receive,
    Scope,
    Send,
    answer_json,
    answer_problem,
    read_body,
)
from chaos.inject.door import Door, answer_not_found, explain
from chaos.inject.leases import LeaseRefusedError, LeaseTable, UnknownEdgeError
from chaos.inject.messages import PATH, Healed, LeaseRequest

MAX_BODY_BYTES = 65_536


class ControlEndpoint:
    """A pure ASGI application at `/__chaos__/leases`.

    Without a configured token, with a wrong one, and for anything it does not know, it answers a plain 404, as if it were not
    there.
    """

    def __init__(self, table: LeaseTable, token: str | None) -> None:
        self._table = table
        self._door = Door(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        path, method = scope["path"].removeprefix(PATH), scope["method"]
        if not self._door.admits(scope):
            await answer_not_found(send)
        elif method == "GET" and path == "":
            await answer_json(send, 200, self._table.snapshot())
        elif method == "POST" and path == "":
            await self._grant(receive, send)
        elif method == "DELETE" and path == "":
            await answer_json(send, 200, Healed(healed=self._table.heal()))
        elif method == "DELETE" and path.startswith("/") and path != "/":  # An empty id is a slip, not a wish to heal all.
            await answer_json(send, 200, Healed(healed=self._table.heal(path[1:])))
        else:
            await answer_not_found(send)

    async def _grant(self, receive: Receive, send: Send) -> None:
        try:
            request = LeaseRequest.model_validate_json(await read_body(receive, MAX_BODY_BYTES))
            lease = self._table.grant(request)
        except CallerGoneError:
            return
        except BodyTooLargeError as error:
            await answer_problem(send, 413, str(error))
        except ValidationError as error:
            await answer_problem(send, 422, explain(error))
        except UnknownEdgeError as error:
            await answer_problem(send, 422, str(error))
        except LeaseRefusedError as error:
            await answer_problem(send, 409, str(error))
        else:
            await answer_json(send, 201, lease)
