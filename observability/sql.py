"""Database spans: one a statement, as a child of the request or event that it serves.

Made from SQLAlchemy's own events rather than by the contrib instrumentation, which names spans after the database's file
path, adds two spans a transaction that say nothing, and patches every engine of the process. Names follow OpenTelemetry's
stable database conventions. A statement outside of any trace (an outbox that is polled) makes no span: four empty traces a
second would bury those of customers.
"""

import asyncio

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext

from observability import names

MAX_QUERY = 1_000
_SPAN = "firebreak_span"


def trace_statements(engine: Engine, tracer: Tracer, namespace: str) -> None:
    """Makes a client span of every statement of `engine`; `namespace` is how spans call the database."""
    system = engine.dialect.name

    def before(
        connection: Connection,
        _cursor: DBAPICursor,
        statement: str,
        _parameters: object,
        _context: ExecutionContext | None,
        _executemany: bool,  # noqa: FBT001 - SQLAlchemy's signature.
    ) -> None:
        if not trace.get_current_span().is_recording():
            return
        operation = statement.split(maxsplit=1)[0].upper() if statement.strip() else "?"
        connection.info[_SPAN] = tracer.start_span(
            f"{operation} {namespace}",
            kind=SpanKind.CLIENT,
            attributes={
                names.ATTR_DB_SYSTEM: system,
                names.ATTR_DB_NAMESPACE: namespace,
                names.ATTR_DB_OPERATION: operation,
                names.ATTR_DB_QUERY: statement[:MAX_QUERY],  # Values are bound, never in the text.
            },
        )

    def after(connection: Connection, *_rest: object) -> None:
        _take(connection, None)

    def failed(context: ExceptionContext) -> None:
        if context.connection is not None:
            _take(context.connection, context.original_exception)

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    event.listen(engine, "handle_error", failed)


def _take(connection: Connection, error: BaseException | None) -> None:
    span: Span | None = connection.info.pop(_SPAN, None)
    if span is None:
        return
    if isinstance(error, asyncio.CancelledError):  # Nobody waits for it any more, which is no error of the database's.
        span.set_attribute(names.ATTR_ERROR_TYPE, names.CANCELLED)
    elif error is not None:
        span.set_attribute(names.ATTR_ERROR_TYPE, type(error).__name__)
        # PostgreSQL quotes values from the second line on ("DETAIL: Key (email)=(...) already exists").
        span.set_status(Status(StatusCode.ERROR, str(error).partition("\n")[0][:MAX_QUERY]))
    span.end()
