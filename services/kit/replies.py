"""An answer of another service as a typed value, or as the error that it stands for."""

import math
from collections.abc import Callable
from http import HTTPStatus

from pydantic import ValidationError

from services.kit.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    OverloadedError,
    RefusedError,
    ServiceError,
    UnauthenticatedError,
    UndoneError,
)
from services.kit.message import Model, Reply


class GaveUpError(ServiceError):
    """The callee could not do it without a service of its own, and has undone what it began (its UndoneError)."""

    status = HTTPStatus.BAD_GATEWAY


class BadReplyError(ServiceError):
    """The callee answered something that its contract does not have."""

    status = HTTPStatus.BAD_GATEWAY


_ERRORS: dict[int, type[ServiceError]] = {
    HTTPStatus.UNAUTHORIZED: UnauthenticatedError,
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.CONFLICT: ConflictError,
    HTTPStatus.UNPROCESSABLE_ENTITY: RefusedError,
    HTTPStatus.FAILED_DEPENDENCY: GaveUpError,
}


def parse_as(model: type[Model]) -> Callable[[Reply], Model]:
    """Parses success as `model`; a refusal becomes the error that the callee meant."""

    def parse(reply: Reply) -> Model:
        check(reply)
        try:
            return reply.parse(model)
        except ValidationError:
            raise BadReplyError(f"an answer is no {model.__name__}") from None

    return parse


def check(reply: Reply) -> None:
    """Raises what a refusal stands for. No contract has a redirect: whoever follows one asks somebody whom nobody chose."""
    if reply.status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if reply.status == ForbiddenError.status:
        raise BadReplyError("two services of this system do not know each other")
    if reply.status == UndoneError.status and reply.retry_after_ms is not None:
        raise OverloadedError(reply.detail, math.ceil(reply.retry_after_ms / 1_000))
    error = _ERRORS.get(reply.status)
    if error is None:
        raise BadReplyError(f"an unexpected answer: {reply.status} {reply.detail}")
    raise error(reply.detail)
