"""What can go wrong in the store, and the HTTP status that says so.

    StoreError
    |-- InvalidUploadError        400  the body is not what its content type claims
    |-- UploadTimeoutError        408  the body came too slowly
    |-- UploadTooLargeError       413  the body is beyond its bound, as sent or decompressed
    |-- UnsupportedUploadError    415  a content type or encoding that OTLP over HTTP does not have
    |-- QueueFullError            429  more is waiting to be written than the bound allows
    |-- StorageUnavailableError   503  SQLite refused: disk full, file locked or gone
    |-- InvalidQueryError         400  a parameter of a query is wrong
    |-- NotFoundError             404  nothing is kept under that id
    `-- QueryTooLongError         503  a query needed more than its time

StoreUnusableError stands apart: the process cannot start, because a setting, a port or the file is wrong.
"""

from collections.abc import Sequence


class StoreError(Exception):
    """A request that failed; `messages` say why, one problem each."""

    status = 500
    reason = "error"
    """The same in a word, for a metric."""

    retry_after_s: int | None = None
    """Seconds after which the same request may succeed; None when repeating it is useless."""

    def __init__(self, *messages: str) -> None:
        super().__init__("; ".join(messages))
        self.messages: Sequence[str] = messages


class InvalidUploadError(StoreError):
    """The body is not what its content type claims."""

    status = 400
    reason = "invalid"


class UploadTimeoutError(StoreError):
    """The body came too slowly."""

    status = 408
    reason = "timeout"


class UploadTooLargeError(StoreError):
    """The body is beyond its bound, as sent or decompressed."""

    status = 413
    reason = "too_large"


class UnsupportedUploadError(StoreError):
    """A content type or content encoding that OTLP over HTTP does not have."""

    status = 415
    reason = "unsupported"


class QueueFullError(StoreError):
    """More is waiting to be written than the bound allows."""

    status = 429
    reason = "queue_full"
    retry_after_s = 1


class StorageUnavailableError(StoreError):
    """SQLite refused to write."""

    status = 503
    reason = "storage"
    retry_after_s = 5


class InvalidQueryError(StoreError):
    """One or more parameters of a query are wrong."""

    status = 400


class NotFoundError(StoreError):
    """Nothing is kept under that id."""

    status = 404


class QueryTooLongError(StoreError):
    """A query needed more than its time."""

    status = 503


class StoreUnusableError(Exception):
    """The process cannot start; the text names the setting, the port or the file, and the way out."""
