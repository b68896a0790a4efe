from pathlib import Path

from testbed.rotation import rotate


def test_a_file_within_its_bound_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "orders-1.jsonl"
    log.write_text("12345")
    assert not rotate(log, max_bytes=5)
    assert log.read_text() == "12345"
    assert not rotate(tmp_path / "missing")


def test_a_file_that_grew_too_large_keeps_its_past_and_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "orders-1.jsonl"
    with log.open("a") as writer:
        writer.write("old\n")
        writer.flush()
        assert rotate(log, max_bytes=3)
        writer.write("new\n")
    assert log.read_text() == "new\n"
    assert (tmp_path / "orders-1.jsonl.1").read_text() == "old\n"
