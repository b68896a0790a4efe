from pathlib import Path

import pytest

from testbed import run
from testbed.run import RunFolder, Secrets


def test_clearing_removes_an_earlier_system_and_nothing_of_anybody_else(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.create()
    folder.write_secrets(Secrets.generate())
    mine = [
        "registry.json",
        "telemetry.sqlite-wal",
        "processes.jsonl.1",
        "control.sock",
        "logs/orders-1.jsonl",
        "data/a.sqlite",
        "targets/load-4711.json",
    ]
    others = ["notes.txt", "data/export.csv", "supervisor.lock"]
    (folder.stack / "prometheus" / "data").mkdir(parents=True)
    for name in (*mine, *others, "stack/prometheus/data/lock"):
        (tmp_path / name).touch()
    folder.clear()
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(others)


def test_secrets_are_the_owner_s_alone_and_read_back(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "state")
    folder.create()
    written = Secrets.generate()
    folder.write_secrets(written)
    assert folder.read_secrets() == written
    assert folder.secrets_file.stat().st_mode & 0o777 == 0o600
    assert folder.root.stat().st_mode & 0o777 == 0o700


def test_a_disk_that_is_almost_full_is_found_out_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MIN_FREE_BYTES", 10**18)
    with pytest.raises(OSError, match="MB are free on its disk, and a system needs 1000000000000 MB") as refused:
        RunFolder(tmp_path).create()
    assert refused.value.filename == str(tmp_path)
