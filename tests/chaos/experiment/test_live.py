"""What a run's screen knows of the journeys while they happen."""

import json
from pathlib import Path

from chaos.experiment.live import LiveRecord, Recent


def test_the_live_record_tells_of_the_last_seconds_and_waits_for_a_line_that_is_half_written(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    record = LiveRecord(path)
    assert record.recent(1.0) == {}

    def line(number: int, done: float, **changes: object) -> str:
        values = {"journey": "order", "id": f"0-{number}", "step": "place", "intended": 0, "sent": 0, "done": done,
                  "status": 201, "outcome": "ok", "degraded": False, "trace_id": "", "last": True}  # fmt: skip
        return json.dumps(values | changes)

    half = line(4, 5.0, outcome="failed")
    lines = [line(1, 1.0), line(2, 4.0, last=False, degraded=True), line(2, 4.1, step="read_back"), "nonsense", half[:20]]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert record.recent(1.5) == {"order": Recent(2, 2, 1)}
    with path.open("a", encoding="utf-8") as file:
        file.write(half[20:] + "\n")
    assert record.recent(5.0) == {"order": Recent(2, 1, 1)}
