"""Logs: one JSON object a line, which leads to its trace."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from observability import request_id
from observability.log_export import MAX_TEXT_CHARS, logger_provider
from observability.logs import TELL_VALUES, JsonFormatter, configure_logging
from observability.redaction import MAX_SEARCHED_CHARS, Redactor
from observability.telemetry import Origin, create_telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.observability.conftest import KeptSpans


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, given back as it was found."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


class KeptRecords:
    """A provider whose log records stay in memory."""

    def __init__(self) -> None:
        self.exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the library leaves it untyped
        self.provider = LoggerProvider(shutdown_on_exit=False)
        self.provider.add_log_record_processor(SimpleLogRecordProcessor(self.exporter))

    @property
    def records(self) -> list[Any]:
        return [each.log_record for each in self.exporter.get_finished_logs()]


def line_of(message: str, *arguments: object, level: int = logging.INFO, **extra: object) -> dict[str, Any]:
    """What a formatted record says."""
    record = logging.getLogger("shop").makeRecord("shop", level, "shop.py", 1, message, arguments, None, extra=extra)
    text = JsonFormatter("shop", "shop/2", Redactor(["known-to-be-secret"])).format(record)
    assert "\n" not in text
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_line_says_when_who_and_what() -> None:
    line = line_of("sold %s for %d", "tea", 5, level=logging.WARNING)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "warning",
        "service": "shop",
        "instance": "shop/2",
        "logger": "shop",
        "message": "sold tea for 5",
    }


def test_a_line_inside_of_a_span_leads_to_it(kept: KeptSpans) -> None:
    with kept.tracer.start_as_current_span("request") as span:
        line = line_of("sold")
    context = span.get_span_context()
    assert (line["trace_id"], line["span_id"]) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")


def test_a_line_outside_of_any_span_has_no_trace() -> None:
    assert "trace_id" not in line_of("sold")


def test_what_is_given_extra_is_in_the_line() -> None:
    assert line_of("sold", edge="shop->bank", attempt=2)["attempt"] == 2


def test_what_json_does_not_know_is_written_as_text() -> None:
    assert line_of("sold", where=frozenset({1}))["where"] == "frozenset({1})"


def test_what_is_given_extra_cannot_pose_as_another_service() -> None:
    assert line_of("sold", service="bank", level_="x")["service"] == "shop"


def test_a_message_of_several_lines_in_any_language_is_one_line() -> None:
    assert line_of("über\nzwei ☕ Zeilen\r\n")["message"] == "über\nzwei ☕ Zeilen\r\n"


def test_a_message_is_bounded() -> None:
    assert len(line_of("x" * 10 * MAX_TEXT_CHARS)["message"]) == MAX_TEXT_CHARS


def test_a_text_of_any_length_costs_a_bounded_search(monkeypatch: pytest.MonkeyPatch, root: logging.Logger) -> None:
    searched: list[int] = []

    def search(_self: Redactor, text: str) -> str:
        searched.append(len(text))
        return text

    monkeypatch.setattr(Redactor, "text", search)
    kept = KeptRecords()
    exported = logger_provider(Resource({}), SimpleLogRecordProcessor(kept.exporter), Redactor())
    configure_logging("shop", "shop/1", "info", exported)
    failure = ValueError("x" * 1_000_000)
    root.error("y" * 1_000_000, extra={"body": "z" * 1_000_000, "more": ["z" * 1_000_000]}, exc_info=failure)
    assert len(searched) >= 8
    assert max(searched) == MAX_SEARCHED_CHARS
    assert [len(record.body) for record in kept.records] == [MAX_TEXT_CHARS]


def test_what_is_given_extra_is_bounded_and_has_no_secrets() -> None:
    line = line_of("sold", basket="x" * 10 * MAX_TEXT_CHARS, card={"token": "4242", "holder": "known-to-be-secret"})
    assert len(line["basket"]) == MAX_TEXT_CHARS
    assert line["card"] == {"token": "[redacted]", "holder": "[redacted]"}


def test_a_line_has_no_secret_whoever_logged_it() -> None:
    assert (
        line_of("cannot reach %s", "nats://user:pass-word@broker:4222")["message"]
        == "cannot reach nats://user:[redacted]@broker:4222"
    )
    assert line_of("refused known-to-be-secret")["message"] == "refused [redacted]"


def test_an_exceptions_text_has_no_secret() -> None:
    raised = (ValueError, ValueError("password=hunter2 is wrong"), None)
    record = logging.getLogger("shop").makeRecord("shop", logging.ERROR, "shop.py", 1, "failed", (), raised)
    assert json.loads(JsonFormatter("shop", "shop/1", Redactor()).format(record))["exception"].endswith(
        "password=[redacted] is wrong"
    )


def test_an_exception_is_in_the_line_and_keeps_its_end_when_it_is_cut() -> None:
    error = ValueError("x" * 10 * MAX_TEXT_CHARS + "the end")
    raised = (ValueError, error, None)
    record = logging.getLogger("shop").makeRecord("shop", logging.ERROR, "shop.py", 1, "failed", (), raised)
    line = json.loads(JsonFormatter("shop", "shop/1", Redactor()).format(record))
    assert len(line["exception"]) == MAX_TEXT_CHARS
    assert line["exception"].endswith("the end")


def test_the_root_logger_writes_lines_to_standard_output(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("shop", "shop/1", "info", None)
    logging.getLogger("anything").info("sold")
    logging.getLogger("anything").debug("looked at")
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["message"] == "sold"


def test_configuring_twice_does_not_write_twice(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        configure_logging("shop", "shop/1", "INFO", None)
    logging.getLogger("anything").warning("sold")
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_what_is_logged_in_a_request_has_its_id(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    kept = KeptRecords()
    configure_logging("shop", "shop/1", "info", kept.provider)
    token = request_id.current.set("mine")
    try:
        logging.getLogger("shop").info("sold")
    finally:
        request_id.current.reset(token)
    assert json.loads(capsys.readouterr().out)["request_id"] == "mine"
    assert kept.records[0].attributes["request_id"] == "mine"


def test_a_record_is_exported_with_its_trace(root: logging.Logger, kept: KeptSpans) -> None:
    exported = KeptRecords()
    configure_logging("shop", "shop/1", "info", exported.provider)
    with kept.tracer.start_as_current_span("request") as span:
        logging.getLogger("shop").warning("sold %s", "tea")
    (record,) = exported.records
    assert (record.body, record.trace_id) == ("sold tea", span.get_span_context().trace_id)


def test_telemetry_keeps_the_secrets_that_it_is_told_out_of_the_lines(
    root: logging.Logger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
    telemetry = create_telemetry(Origin("shop", "shop/1"), None, "info", secrets=["known-to-be-secret"])
    logging.getLogger("shop").warning("refused known-to-be-secret")
    telemetry.shutdown()
    assert json.loads(capsys.readouterr().out)["message"] == "refused [redacted]"


@pytest.mark.parametrize("name", TELL_VALUES)
def test_a_library_that_tells_every_value_at_debug_level_is_not_heard_there(
    root: logging.Logger, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    before = logging.getLogger(name).level
    configure_logging("shop", "shop/1", "debug", None)
    logging.getLogger(name).debug("INSERT INTO customers VALUES ('Ada')")
    logging.getLogger("shop").debug("looked")
    logging.getLogger(name).setLevel(before)
    assert [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()] == ["looked"]


@pytest.mark.parametrize("logger", ["opentelemetry.exporter", "urllib3.connectionpool", "requests"])
def test_the_exporters_own_complaints_are_not_exported_but_written(
    root: logging.Logger, capsys: pytest.CaptureFixture[str], logger: str
) -> None:
    exported = KeptRecords()
    configure_logging("shop", "shop/1", "info", exported.provider)
    logging.getLogger(logger).warning("the collector is gone")
    assert exported.records == []
    assert "the collector is gone" in capsys.readouterr().out
