"""What can go wrong in a service. How it is answered: services/kit/answers.py.

ServiceError                    status  meaning
+-- NotFoundError               404     no such thing, or not yours
+-- ConflictError               409     contradicts what is already so
+-- RefusedError                422     well-formed, but the rules say no
+-- UndoneError                 424     begun, failed at another service, undone: a repetition would find just that
+-- UnauthenticatedError        401     who are you
+-- ForbiddenError              403     between services: not one of this run
+-- TooManyRequestsError        429     more than may be at once or in a second; says when to come again
+-- OverloadedError             503     what it depends on is behind, and more would be later still; says when to come again
+-- CallError                           a call to another service did not succeed; names the edge
    +-- UnreachableError        503     no instance, or no connection
    +-- AttemptTimeoutError     504     one attempt took longer than it may
    +-- DeadlineExceededError   504     the whole call did
    +-- ThrottledError          503     not sent: the callee rejects so many that most would be in vain
    +-- BulkheadFullError       503     not sent: as many calls over this edge are under way as may be
    +-- BreakerOpenError        503     not sent: the edge's breaker is open
    +-- ShedError               503     the callee took on nothing of it: it has as much to do as it can
    +-- RemoteError             502     the callee answered 5xx
"""

import math
from enum import StrEnum
from http import HTTPStatus


class ServiceError(Exception):
    """Root of the tree. `detail` is shown to the caller, so it holds nothing secret."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    @property
    def headers(self) -> dict[str, str]:
        """What the answer carries besides its body."""
        return {}


class NotFoundError(ServiceError):
    """No such thing, or not one that this caller may see."""

    status = HTTPStatus.NOT_FOUND


class ConflictError(ServiceError):
    """The request contradicts what is already so."""

    status = HTTPStatus.CONFLICT


class RefusedError(ServiceError):
    """The request is well-formed, but the rules say no."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class UndoneError(ServiceError):
    """It was begun, could not be completed without another service, and is undone.

    Between services only, and below 500: the service that says so works, so its callers neither repeat nor count it a failure.
    With `retry_after_s` it failed for want of room alone, and something new may succeed then.
    """

    status = HTTPStatus.FAILED_DEPENDENCY

    def __init__(self, detail: str, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s

    @property
    def headers(self) -> dict[str, str]:
        """When to come again, if that is known."""
        return {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}


class UnauthenticatedError(ServiceError):
    """The caller did not say who it is, or not convincingly."""

    status = HTTPStatus.UNAUTHORIZED

    @property
    def headers(self) -> dict[str, str]:
        """How to say it (RFC 9110 wants this in every 401)."""
        return {"WWW-Authenticate": "Bearer"}


class ForbiddenError(ServiceError):
    """A service was called by somebody who is not one of its run. Never a stranger's affair."""

    status = HTTPStatus.FORBIDDEN


class TooManyRequestsError(ServiceError):
    """More is asked than may be; nothing was begun.

    Between services it is below 500 on purpose: the service that says so works, and must not open its callers' breakers.
    """

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s

    @property
    def headers(self) -> dict[str, str]:
        """When to come again."""
        return {"Retry-After": str(self.retry_after_s)}


class OverloadedError(ServiceError):
    """Too much waits already for what the service depends on. Unlike TooManyRequestsError, a part may have been done.

    So between services it is a failure like any other of 500 and more: the outcome is unknown until it is asked again.
    """

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s

    @property
    def headers(self) -> dict[str, str]:
        """When to come again."""
        return {"Retry-After": str(self.retry_after_s)}


class Reason(StrEnum):
    """Why a call to another service did not succeed: the values of `outcome` in metrics and `error.type` in spans."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    DEADLINE = "deadline"
    THROTTLED = "throttled"
    BULKHEAD_FULL = "bulkhead_full"
    BREAKER_OPEN = "breaker_open"
    SHED = "shed"
    REMOTE = "remote_error"


class CallError(ServiceError):
    """A call over `edge` did not succeed."""

    reason: Reason

    def __init__(self, edge: str, detail: str) -> None:
        super().__init__(f"{edge}: {detail}")
        self.edge = edge


class UnreachableError(CallError):
    """There is no instance, or it takes no connection."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    reason = Reason.UNREACHABLE


class AttemptTimeoutError(CallError):
    """One attempt took longer than the edge's timeout."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    reason = Reason.TIMEOUT


class DeadlineExceededError(CallError):
    """The call took longer than its deadline, all attempts together."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    reason = Reason.DEADLINE


class ThrottledError(CallError):
    """The callee rejects so many calls that this one was not sent (SRE client throttling). Never retried."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    reason = Reason.THROTTLED

    @property
    def headers(self) -> dict[str, str]:
        """When there may be room again."""
        return {"Retry-After": "1"}


class BulkheadFullError(CallError):
    """As many calls over the edge are under way as its bulkhead lets. Never retried."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    reason = Reason.BULKHEAD_FULL

    @property
    def headers(self) -> dict[str, str]:
        """When there may be room again."""
        return {"Retry-After": "1"}


class BreakerOpenError(CallError):
    """The edge's breaker is open: the call was rejected without an attempt. Never retried."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    reason = Reason.BREAKER_OPEN


class ShedError(CallError):
    """The callee answered 429: it works, has as much to do as it can, and began nothing of this.

    So another attempt is safe whatever the method, and the callee's breaker has nothing to do with it.
    """

    status = HTTPStatus.SERVICE_UNAVAILABLE
    reason = Reason.SHED

    def __init__(self, edge: str, detail: str, retry_after_ms: float | None = None) -> None:
        super().__init__(edge, f"is busy: {detail}" if detail else "is busy")
        self.retry_after_ms = retry_after_ms

    @property
    def headers(self) -> dict[str, str]:
        """When to come again, in whole seconds."""
        return {"Retry-After": str(max(1, math.ceil((self.retry_after_ms or 0) / 1_000)))}


class RemoteError(CallError):
    """The callee answered with a server error, `remote_status`."""

    status = HTTPStatus.BAD_GATEWAY
    reason = Reason.REMOTE

    def __init__(self, edge: str, remote_status: int, detail: str, retry_after_ms: float | None = None) -> None:
        super().__init__(edge, f"answered {remote_status}: {detail}")
        self.remote_status = remote_status
        self.retry_after_ms = retry_after_ms
