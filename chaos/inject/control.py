"""A control endpoint: leases of one kind are asked for, listed and ended here, by whoever has the token."""

import hmac
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

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
from chaos.inject.messages import TOKEN_HEADER
from chaos.inject.paths import is_below

MAX_BODY_BYTES = 65_536
_HEADER = TOKEN_HEADER.lower().encode()

Request = TypeVar("Request", bound=BaseModel)
Asked_contra = TypeVar("Asked_contra", bound=BaseModel, contravariant=True)


class LeaseRefusedError(Exception):
    """Nothing was granted; the text says why, and `status` is the answer's."""

    status = 409


class UngrantableError(LeaseRefusedError):
    """No lease of this could be granted here at any time."""

    status = 422


class Book(Protocol[Asked_contra]):
    """The leases of one kind in this process."""

    def grant(self, request: Asked_contra, /) -> BaseModel:
        """Puts a lease in force. Raises LeaseRefusedError."""
        ...

    def snapshot(self) -> BaseModel:
        """What is in force."""
        ...

    def ended(self, lease_id: str | None = None, /) -> BaseModel:
        """Ends one lease, or all."""
        ...


class ControlEndpoint(Generic[Request]):
    """A pure ASGI application at `path`.

    Without a configured token, with a wrong one, and for anything it does not know, it answers a plain 404, as if it were not
    there.
    """

    def __init__(self, path: str, model: type[Request], book: Book[Request], token: str | None) -> None:
        self._path = path
        self._model = model
        self._book = book
        self._token = token.encode() if token else None

    def serves(self, path: str) -> bool:
        """Whether a request to `path` is for this endpoint."""
        return is_below(path, (self._path,))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        path, method = scope["path"].removeprefix(self._path), scope["method"]
        if not self._admits(scope):
            await _not_found(send)
        elif method == "GET" and path == "":
            await answer_json(send, 200, self._book.snapshot())
        elif method == "POST" and path == "":
            await self._grant(receive, send)
        elif method == "DELETE" and path == "":
            await answer_json(send, 200, self._book.ended())
        elif method == "DELETE" and path.startswith("/") and path != "/":  # An empty id is a slip, not a wish to end all.
            await answer_json(send, 200, self._book.ended(path[1:]))
        else:
            await _not_found(send)

    def _admits(self, scope: Scope) -> bool:
        if self._token is None:
            return False
        given = next((value for name, value in scope["headers"] if name == _HEADER), b"")
        return hmac.compare_digest(given, self._token)

    async def _grant(self, receive: Receive, send: Send) -> None:
        try:
            lease = self._book.grant(self._model.model_validate_json(await read_body(receive, MAX_BODY_BYTES)))
        except CallerGoneError:
            return
        except BodyTooLargeError as error:
            await answer_problem(send, 413, str(error))
        except ValidationError as error:
            await answer_problem(send, 422, _explain(error))
        except LeaseRefusedError as error:
            await answer_problem(send, error.status, str(error))
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
