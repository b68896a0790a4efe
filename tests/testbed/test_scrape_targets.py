import json
from pathlib import Path

import pytest

from testbed.scrape_targets import JOB_SERVICES, JOB_TESTBED, ScrapeTarget, write_targets


def test_targets_are_written_as_prometheus_reads_them(tmp_path: Path) -> None:
    write_targets(tmp_path / "system.json", [ScrapeTarget("127.0.0.1:1", JOB_SERVICES, "orders", "orders/1")])
    assert json.loads((tmp_path / "system.json").read_text()) == [
        {"targets": ["127.0.0.1:1"], "labels": {"job": "feastfast", "service": "orders", "instance": "orders/1"}}
    ]


def test_an_empty_label_is_left_out_so_that_it_hides_none_of_the_metrics_own() -> None:
    assert ScrapeTarget("127.0.0.1:1", JOB_TESTBED, "", "testbed/1").labels() == {"job": "testbed", "instance": "testbed/1"}


def test_a_file_that_cannot_be_replaced_stays_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "system.json").mkdir()
    with pytest.raises(OSError, match=r"system\.json"):
        write_targets(tmp_path / "system.json", [])
    assert [path.name for path in tmp_path.iterdir()] == ["system.json"]
