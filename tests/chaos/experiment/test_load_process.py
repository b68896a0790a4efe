"""The load of an arm: Prometheus knows of it from its start to its end, however it ends."""

import time
from itertools import pairwise
from pathlib import Path

import pytest

from chaos.experiment.load_process import LoadProcess, LoadSchedule
from chaos.experiment.model import Load


def schedule(folder: Path, log: str = "locust.log") -> LoadSchedule:
    (folder / "targets").mkdir()
    return LoadSchedule(
        load=Load(rates_per_s={"order": 5}),
        pace=1.0,
        surge=None,
        host="http://127.0.0.1:1",
        seed=7,
        run_s=60.0,
        record=folder / "record",
        log=folder / log,
        targets=folder / "targets",
        run="20261121-delivery-outage",
        arm="declared",
    )


def test_requests_say_of_which_run_and_arm_they_are(tmp_path: Path) -> None:
    command = schedule(tmp_path).command(9_646)
    said = dict(pairwise(command))
    assert (said["--run-id"], said["--arm"], said["--metrics-port"]) == ("20261121-delivery-outage", "declared", "9646")


def test_a_load_that_cannot_be_started_is_no_target(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), LoadProcess(schedule(tmp_path, "no-such-folder/locust.log")):
        pass
    assert list((tmp_path / "targets").iterdir()) == []


@pytest.mark.system
def test_a_load_that_has_ended_by_itself_is_a_target_no_longer(tmp_path: Path) -> None:
    """Nobody listens at its host, so it ends before its first arrival, which its record tells."""
    with LoadProcess(schedule(tmp_path)) as load:
        deadline_s = time.monotonic() + 20
        while not load.has_ended() and time.monotonic() < deadline_s:
            time.sleep(0.05)
        assert load.has_ended()
        assert list((tmp_path / "targets").iterdir()) == []


@pytest.mark.system
def test_a_load_is_a_target_until_it_is_stopped(tmp_path: Path) -> None:
    with LoadProcess(schedule(tmp_path)):
        assert len(list((tmp_path / "targets").iterdir())) == 1
    assert list((tmp_path / "targets").iterdir()) == []
