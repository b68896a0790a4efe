import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from loadtests.recorder import Recorder, RequestRecord, write_atomically

RECORD = RequestRecord(
    journey="order",
    id="3-14",
    step="place",
    intended=1.25,
    sent=1.2501,
    done=1.3,
    status=201,
    outcome="ok",
    degraded=True,
    trace_id="0af7651916cd43dd8448eb211c80319c",
    last=False,
)


@contextmanager
def largest_file(size_bytes: int) -> Iterator[None]:
    """A disk on which no file can grow beyond `size_bytes`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def flush(recorder: Recorder) -> None:
    recorder.write(recorder.take())


def test_a_line_is_the_record_as_json() -> None:
    assert json.loads(RECORD.line()) == asdict(RECORD)
    assert json.loads(replace(RECORD, degraded=False, last=True, status=0).line())["last"] is True


def test_instants_are_written_to_the_microsecond() -> None:
    assert '"intended":1.250000,"sent":1.250100,"done":1.300000' in RECORD.line()


def test_records_are_on_disk_after_each_flush_and_in_order(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "new" / "folder")
    for batch in range(2):
        for number in range(3):
            recorder.record(replace(RECORD, id=f"{batch}-{number}"))
        flush(recorder)
        lines = (tmp_path / "new" / "folder" / "requests.jsonl").read_text().splitlines()
        assert len(lines) == 3 * (batch + 1)
    recorder.record(replace(RECORD, id="last"))
    recorder.close()
    lines = (tmp_path / "new" / "folder" / "requests.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["0-0", "0-1", "0-2", "1-0", "1-1", "1-2", "last"]
    assert recorder.problem is None


def test_a_record_is_never_written_over(tmp_path: Path) -> None:
    Recorder(tmp_path).close()
    with pytest.raises(FileExistsError):
        Recorder(tmp_path)


def test_what_waits_for_the_disk_is_bounded_and_more_makes_the_record_incomplete(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, max_waiting=10)
    for _ in range(1_000):
        recorder.record(RECORD)
    assert recorder.problem == f"{tmp_path}/requests.jsonl: the disk is too slow, more than 10 records waited for it"
    assert len(recorder.take().splitlines()) == 10
    recorder.close()


def test_a_full_disk_is_told_and_the_file_ends_with_a_whole_line(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    with largest_file(4_096):
        for _ in range(10):
            for _ in range(5):
                recorder.record(RECORD)
            flush(recorder)
        recorder.close()
    assert recorder.problem == f"{tmp_path}/requests.jsonl cannot be written: File too large"
    text = (tmp_path / "requests.jsonl").read_text()
    assert text.endswith("}\n")
    assert len(text.splitlines()) % 5 == 0


def test_a_summary_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_atomically(tmp_path / "load.json", {"arrivals": 3})
    with largest_file(100), pytest.raises(OSError, match="File too large"):
        write_atomically(tmp_path / "load.json", {"arrivals": "x" * 1_000})
    assert json.loads((tmp_path / "load.json").read_text()) == {"arrivals": 3}
    assert [path.name for path in tmp_path.iterdir()] == ["load.json"]
