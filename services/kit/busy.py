"""When a database error means "not now": a lock that was waited for in vain, no free connection, a server that went away."""

import sqlite3
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, InterfaceError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services.kit.answers import problem_response

_LOCKED = "locked"  # sqlite3 has no class for it: "database is locked", "database table is locked".
_LOST = (ConnectionError, TimeoutError)
_PASSING_STATES = (
    "08",  # Connection lost.
    "25P03",  # A transaction that nobody went on with.
    "40",  # Rolled back for another's sake: a deadlock, say.
    "53",  # Out of connections, memory or disk.
    "55P03",  # A lock that was waited for in vain.
    "57014",  # A statement that took too long.
    "57P",  # The server shuts down, has crashed, or is starting.
)
RETRY_AFTER_S = 1


def is_locked(error: BaseException) -> bool:
    """Whether SQLite waited for a lock in vain: on connecting as the driver's own error, later as SQLAlchemy's."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(original, sqlite3.OperationalError) and _LOCKED in str(original)


def is_passing_state(sqlstate: object) -> bool:
    """Whether PostgreSQL's code of an error says that the same may succeed later (PostgreSQL documentation, appendix A)."""
    return isinstance(sqlstate, str) and sqlstate.startswith(_PASSING_STATES)


def is_database_busy(error: BaseException) -> bool:
    """Whether the same transaction may succeed later. A missing table or a broken rule is not such an error."""
    if isinstance(error, DBAPIError):
        lost = error.connection_invalidated or isinstance(error, InterfaceError) or isinstance(error.orig, _LOST)
        return lost or is_locked(error) or is_passing_state(getattr(error.orig, "sqlstate", None))
    return isinstance(error, PoolTimeoutError | ConnectionError) or is_locked(error)


def install_busy_mapping(app: FastAPI) -> None:
    """Makes `app` answer 503 with Retry-After while its database is busy; whether a commit was taken may be unknown."""
    app.add_exception_handler(SQLAlchemyError, _database_error)
    app.add_exception_handler(sqlite3.OperationalError, _database_error)


async def _database_error(_request: Request, error: Exception) -> JSONResponse:
    if not is_database_busy(error):
        raise error
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return problem_response(HTTPStatus.SERVICE_UNAVAILABLE, "the database is busy; try again", headers)
