"""Database spans: one a statement, inside of a trace only, and never a value in them."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import StaticPool

from observability import names
from observability.sql import MAX_QUERY, trace_statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.observability.conftest import KeptSpans


@pytest.fixture
def engine(kept: KeptSpans) -> Iterator[Engine]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE account (id INTEGER PRIMARY KEY, owner TEXT UNIQUE)"))
    trace_statements(engine, kept.tracer, "bank")
    yield engine
    engine.dispose()


def run(engine: Engine, statement: str, **values: object) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement), values)


def test_a_statement_is_a_client_span_of_the_request_that_it_serves(engine: Engine, kept: KeptSpans) -> None:
    with kept.tracer.start_as_current_span("request") as request:
        run(engine, "SELECT owner FROM account WHERE id = :id", id=7)
    statement = kept.ended[0]
    assert (statement.name, statement.kind) == ("SELECT bank", SpanKind.CLIENT)
    assert statement.parent is not None
    assert statement.parent.span_id == request.get_span_context().span_id
    assert dict(statement.attributes or {}) == {
        "db.system.name": "sqlite",
        "db.namespace": "bank",
        "db.operation.name": "SELECT",
        "db.query.text": "SELECT owner FROM account WHERE id = ?",
    }
    assert statement.status.status_code is StatusCode.UNSET


def test_every_statement_of_a_transaction_is_a_span_and_nothing_else_is(engine: Engine, kept: KeptSpans) -> None:
    with kept.tracer.start_as_current_span("request"), engine.begin() as connection:
        connection.execute(text("INSERT INTO account (owner) VALUES ('ann')"))
        connection.execute(text("SELECT 1"))
    assert [span.name for span in kept.ended] == ["INSERT bank", "SELECT bank", "request"]


def test_a_batch_is_one_span(engine: Engine, kept: KeptSpans) -> None:
    with kept.tracer.start_as_current_span("request"), engine.begin() as connection:
        connection.execute(text("INSERT INTO account (owner) VALUES (:owner)"), [{"owner": "ann"}, {"owner": "bob"}])
    assert [span.name for span in kept.ended] == ["INSERT bank", "request"]


def test_outside_of_any_trace_a_statement_makes_no_span(engine: Engine, kept: KeptSpans) -> None:
    run(engine, "SELECT 1")
    assert kept.ended == ()


def test_in_a_trace_that_is_not_recorded_a_statement_makes_no_span(engine: Engine, kept: KeptSpans) -> None:
    unsampled = NonRecordingSpan(SpanContext(1, 1, is_remote=True, trace_flags=TraceFlags(0)))
    with trace.use_span(unsampled):
        run(engine, "SELECT 1")
    assert kept.ended == ()


def test_values_never_stand_in_a_span(engine: Engine, kept: KeptSpans) -> None:
    with kept.tracer.start_as_current_span("request"):
        run(engine, "INSERT INTO account (owner) VALUES (:owner)", owner="ann-the-secret")
        with pytest.raises(IntegrityError):
            run(engine, "INSERT INTO account (owner) VALUES (:owner)", owner="ann-the-secret")
    assert "ann-the-secret" not in "".join(span.to_json() for span in kept.ended[:-1])


def test_a_statement_that_fails_is_a_span_with_an_error(engine: Engine, kept: KeptSpans) -> None:
    with kept.tracer.start_as_current_span("request"), pytest.raises(OperationalError):
        run(engine, "SELECT 1 FROM nowhere")
    statement = kept.ended[0]
    assert statement.status.status_code is StatusCode.ERROR
    assert statement.status.description == "no such table: nowhere"
    assert (statement.attributes or {})[names.ATTR_ERROR_TYPE] == "OperationalError"


def test_the_details_of_an_error_where_databases_quote_values_are_left_out(engine: Engine, kept: KeptSpans) -> None:
    @event.listens_for(engine, "do_execute")
    def refuse(*_statement: object) -> None:
        raise sqlite3.IntegrityError("duplicate key\nDETAIL: Key (owner)=(ann-the-secret) already exists.")

    with kept.tracer.start_as_current_span("request"), pytest.raises(IntegrityError):
        run(engine, "INSERT INTO account (owner) VALUES (:owner)", owner="ann-the-secret")
    assert kept.ended[0].status.description == "duplicate key"


def test_a_statement_that_is_cancelled_is_a_span_that_ends(engine: Engine, kept: KeptSpans) -> None:
    @event.listens_for(engine, "do_execute")
    def cancel(*_statement: object) -> None:
        raise asyncio.CancelledError

    with kept.tracer.start_as_current_span("request"), pytest.raises(asyncio.CancelledError):
        run(engine, "SELECT 1")
    assert [span.name for span in kept.ended] == ["SELECT bank", "request"]
    assert (kept.ended[0].attributes or {})[names.ATTR_ERROR_TYPE] == names.CANCELLED
    assert kept.ended[0].status.is_unset


def test_after_a_failure_the_next_statement_has_a_span_of_its_own(engine: Engine, kept: KeptSpans) -> None:
    with kept.tracer.start_as_current_span("request"):
        with pytest.raises(OperationalError):
            run(engine, "SELECT 1 FROM nowhere")
        run(engine, "SELECT 1")
    failed, succeeded = kept.ended[:2]
    assert (failed.status.status_code, succeeded.status.status_code) == (StatusCode.ERROR, StatusCode.UNSET)


def test_a_long_statement_is_cut(engine: Engine, kept: KeptSpans) -> None:
    with kept.tracer.start_as_current_span("request"):
        run(engine, "SELECT " + " + ".join(["1"] * 1_000))
    assert len(str((kept.ended[0].attributes or {})[names.ATTR_DB_QUERY])) == MAX_QUERY


async def test_statements_of_an_async_engine_are_in_the_trace_too(kept: KeptSpans) -> None:
    engine = create_async_engine("sqlite+aiosqlite://")
    trace_statements(engine.sync_engine, kept.tracer, "bank")
    with kept.tracer.start_as_current_span("request") as request:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT 1"))
    await engine.dispose()
    (statement,) = kept.ended[:-1]
    assert statement.context is not None
    assert (statement.name, statement.context.trace_id) == ("SELECT bank", request.get_span_context().trace_id)
