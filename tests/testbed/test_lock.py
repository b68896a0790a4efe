import os
from pathlib import Path

import pytest

from testbed.launch import running_supervisor
from testbed.lock import AlreadyRunningError, take_lock


def test_a_held_folder_tells_its_holder_and_refuses_a_second_one(tmp_path: Path) -> None:
    lock = take_lock(tmp_path)
    assert running_supervisor(tmp_path) == os.getpid()
    with pytest.raises(AlreadyRunningError, match=rf"already runs in {tmp_path} \(process {os.getpid()}\)"):
        take_lock(tmp_path)
    os.close(lock)


def test_a_lock_file_that_nobody_holds_is_nobody_s(tmp_path: Path) -> None:
    os.close(take_lock(tmp_path))
    assert running_supervisor(tmp_path) is None
    os.close(take_lock(tmp_path))


def test_a_folder_that_is_not_there_is_nobody_s(tmp_path: Path) -> None:
    assert running_supervisor(tmp_path / "missing") is None
