import json
from pathlib import Path

import pytest

from testbed.journal import Event, Journal


def test_each_entry_is_one_json_object_a_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "processes.jsonl", now=lambda: 12.5)
    journal.write(Event.KILL, "orders/2", pid=42, reason="chaos kill", lease="kill-1")
    journal.write(Event.EXIT, "orders/2", pid=42)
    lines = [json.loads(line) for line in (tmp_path / "processes.jsonl").read_text().splitlines()]
    assert lines[0] == {"t": 12.5, "event": "kill", "instance": "orders/2", "pid": 42, "reason": "chaos kill", "lease": "kill-1"}
    assert lines[1]["event"] == "exit"


def test_a_disk_that_refuses_costs_the_entry_and_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Journal(tmp_path / "gone" / "processes.jsonl").write(Event.KILL, "orders/2")
    assert "orders/2" in caplog.text
