"""Which failures of a handler are not the event's own: what was missing comes back, and the event is tried again uncounted."""

from services.kit.busy import is_database_busy
from services.kit.errors import CallError, OverloadedError
from services.kit.events.publisher import BacklogFullError

_TRANSIENT = (CallError, OverloadedError, BacklogFullError)


def is_transient(error: BaseException) -> bool:
    """Whether a service, a database or room was missing, so that the same event may succeed later."""
    return isinstance(error, _TRANSIENT) or is_database_busy(error)
