import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from testbed.log_line import LogFilter, LogLine, parse_line
from testbed.log_view import LogFile, follow, log_files, tail
from testbed.rotation import rotate
from testbed.run import RunFolder
from testbed.terminal import console, print_log_line


def event(second: int, message: str, level: str = "info", **fields: str) -> str:
    return json.dumps({"time": f"2026-11-21T01:00:{second:02}.123456+00:00", "level": level, "message": message, **fields}) + "\n"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    logs = RunFolder(tmp_path).logs
    logs.mkdir()
    (logs / "orders-1.jsonl").write_text(event(1, "first") + event(3, "third", "error", trace_id="abc123"))
    (logs / "orders-2.jsonl").write_text(event(2, "second"))
    (logs / "user-log-1.jsonl").write_text(event(4, "fourth"))
    return logs


def test_all_replicas_are_merged_by_time(logs: Path) -> None:
    lines = tail(log_files(RunFolder(logs.parent), [("orders", None)]), LogFilter(), 10)
    assert [(line.instance, line.message) for line in lines] == [
        ("orders/1", "first"),
        ("orders/2", "second"),
        ("orders/1", "third"),
    ]


def test_only_the_last_lines_are_shown(logs: Path) -> None:
    assert [line.message for line in tail(log_files(RunFolder(logs.parent), []), LogFilter(), 2)] == ["third", "fourth"]
    assert tail(log_files(RunFolder(logs.parent), []), LogFilter(), 0) == []


def test_lines_can_be_picked_by_level_and_by_the_beginning_of_a_trace(logs: Path) -> None:
    assert [line.message for line in tail(log_files(RunFolder(logs.parent), []), LogFilter("warning"), 9)] == ["third"]
    assert [line.message for line in tail(log_files(RunFolder(logs.parent), []), LogFilter(trace_id="abc1"), 9)] == ["third"]


@pytest.mark.parametrize(("service", "replica"), [("oders", None), ("orders", 3)])
def test_an_unknown_service_is_answered_with_those_that_have_logs(logs: Path, service: str, replica: int | None) -> None:
    with pytest.raises(LookupError, match="allowed: orders, user-log"):
        log_files(RunFolder(logs.parent), [("user-log", None), (service, replica)])


def test_without_any_log_the_way_to_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="start a testbed with: testbed up"):
        log_files(RunFolder(tmp_path), [])


@pytest.mark.parametrize(
    "line",
    [
        'ts=2026-11-21T01:00:02.500Z caller=main.go:1 level=warn component=tsdb msg="said \\"no\\""',
        'time=2026-11-21T02:00:02.500+01:00 level=WARN source=main.go:1 component=tsdb msg="said \\"no\\""',
        'logger=tsdb t=2026-11-21T01:00:02.5Z level=warn msg="said \\"no\\""',
    ],
    ids=["prometheus 2", "prometheus 3", "grafana"],
)
def test_what_a_program_beside_the_system_says_is_read_as_it_means_it(logs: Path, line: str) -> None:
    own = RunFolder(logs.parent).stack / "prometheus"
    own.mkdir(parents=True)
    (own / "log").write_text(line + "\n")
    [second, said, third] = tail(log_files(RunFolder(logs.parent), [("orders", None), ("prometheus", None)]), LogFilter(), 3)
    assert (second.message, third.message) == ("second", "third")
    assert (said.instance, said.level, said.fields["logger"]) == ("prometheus", "warning", "tsdb")
    assert said.time == "2026-11-21T01:00:02.500+00:00"
    assert said.message.startswith('said "no"')


def test_a_traceback_keeps_its_place_in_time_and_counts_as_an_error() -> None:
    line = parse_line("orders/1", "ValueError: no", "2026-11-21T01:00:01.000+00:00")
    assert (line.message, line.level, line.clock) == ("ValueError: no", "error", "01:00:01.000")


def test_further_fields_of_an_event_are_shown_behind_its_message() -> None:
    line = parse_line("orders/1", '{"level": "INFO", "message": "placed", "order": 7, "span_id": "x"}', "")
    assert (line.message, line.level) == ("placed order=7", "info")


def test_following_shows_what_comes_and_ends_with_the_system(logs: Path) -> None:
    files = log_files(RunFolder(logs.parent), [("orders", 1)])
    tail(files, LogFilter(), 0)
    with (logs / "orders-1.jsonl").open("a") as log:
        log.write(event(5, "fifth") + '{"message": "half a')
    assert [line.message for line in follow(files, LogFilter(), runs=lambda: False)] == ["fifth"]


def test_a_log_that_was_cut_short_is_read_from_its_new_beginning(tmp_path: Path) -> None:
    path = tmp_path / "orders-1.jsonl"
    path.write_text(event(1, "first") + event(2, "second"))
    file = LogFile("orders/1", path)
    assert len(list(file.read())) == 2
    path.write_text(event(3, "third"))
    assert [line.message for line in file.read()] == ["third"]


def test_several_services_and_replicas_are_merged(logs: Path) -> None:
    lines = tail(log_files(RunFolder(logs.parent), [("orders", 2), ("user-log", None)]), LogFilter(), 9)
    assert [line.message for line in lines] == ["second", "fourth"]


def test_lines_can_be_picked_by_time_and_text_does_not_mind_case(logs: Path) -> None:
    since = datetime(2026, 11, 21, 1, 0, 3, tzinfo=UTC)
    assert [line.message for line in tail(log_files(RunFolder(logs.parent), []), LogFilter(since=since), 9)] == [
        "third",
        "fourth",
    ]
    assert [line.message for line in tail(log_files(RunFolder(logs.parent), []), LogFilter(text="SECO"), 9)] == ["second"]


def test_text_is_found_in_fields_loggers_and_exceptions() -> None:
    line = parse_line("orders/1", json.dumps({"message": "failed", "order": 7, "logger": "kit.saga", "exception": "Boom"}), "")
    found = [text for text in ("order=7", "kit.saga", "boom", "nothing") if LogFilter(text=text).passes(line)]
    assert found == ["order=7", "kit.saga", "boom"]


def test_what_has_no_time_is_shown_whatever_the_time_asked_for() -> None:
    assert LogFilter(since=datetime.now(UTC)).passes(parse_line("orders/1", "Fatal Python error", ""))


def test_a_line_is_json_for_programs_with_all_that_was_written() -> None:
    written = {"time": "2026-11-21T01:00:01.000+00:00", "level": "INFO", "message": "placed", "order": 7, "trace_id": "abc"}
    shown = json.loads(parse_line("orders/1", json.dumps(written), "").to_json())
    assert shown == written | {"level": "info", "service": "orders", "instance": "orders/1"}


def test_text_becomes_json_for_programs_too() -> None:
    shown = json.loads(parse_line("orders/1", "ValueError: no", "2026-11-21T01:00:01.000+00:00").to_json())
    assert (shown["level"], shown["message"], shown["time"]) == ("error", "ValueError: no", "2026-11-21T01:00:01.000+00:00")


def test_what_prometheus_writes_has_its_level_and_time() -> None:
    line = parse_line("prometheus/1", 'ts=2026-11-21T01:00:01.000Z caller=main.go:1 level=warn msg="cannot \\"reach\\" it"', "")
    assert (line.level, line.clock, line.message) == ("warning", "01:00:01.000", 'cannot "reach" it caller=main.go:1')


def test_a_log_that_reached_its_bound_is_read_on_from_what_was_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "orders-1.jsonl"
    path.write_text(event(1, "first") + event(2, "second"))
    rotate(path, max_bytes=10)
    path.write_text(event(3, "third"))
    assert [line.message for line in LogFile("orders/1", path).read()] == ["first", "second", "third"]


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '"a text"', "7", "\x00"])
def test_any_line_is_shown_whatever_it_holds(text: str) -> None:
    assert parse_line("orders/1", text, "").message == text


def test_a_terminal_shows_what_strangers_send_and_does_not_do_it() -> None:
    shown = io.StringIO()
    print_log_line(
        console(shown), LogLine("orders/1", "", "info", "no such path: /\x1b[2J\x1b]0;owned\x07\r\x9b31m\n  at line 1")
    )
    assert shown.getvalue().endswith("no such path: /\\x1b[2J\\x1b]0;owned\\x07\\x0d\\x9b31m\n  at line 1\n")
