"""The torture command: what it counts, and a short run of it against real processes."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks._mayhem import Toll
from benchmarks.torture import read_options
from testbed.journal import Event
from testbed.run import RunFolder

ROOT = Path(__file__).parents[2]
LIMIT_S = 120.0


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def write(folder: RunFolder, *lines: tuple[Event, str, int]) -> None:
    text = [json.dumps({"t": 1.0, "event": event, "instance": name, "pid": pid, "reason": "why"}) for event, name, pid in lines]
    folder.journal.write_text("\n".join(text) + "\n", encoding="utf-8")


def test_the_toll_counts_processes_that_ran_and_were_killed(folder: RunFolder) -> None:
    write(
        folder,
        (Event.START, "orders/1", 10),
        (Event.KILL, "orders/1", 10),
        (Event.EXIT, "orders/1", 10),
        (Event.KILL, "orders/1", 0),  # Nothing ran.
        (Event.START, "orders/1", 11),
        (Event.PAUSE, "orders/1", 11),
    )
    toll = Toll.read(folder)
    assert (toll.kills, toll.pauses, toll.starts, toll.collapsed) == (Counter(orders=1), Counter(orders=1), 1, ())


def test_a_process_that_ends_though_nobody_killed_it_is_named(folder: RunFolder) -> None:
    write(folder, (Event.START, "orders/1", 10), (Event.EXIT, "orders/1", 10), (Event.GAVE_UP, "orders/1", 0))
    assert Toll.read(folder).collapsed == ("orders/1 exit: why", "orders/1 gave_up: why")


def torture(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs the command with `folder` as the place of temporary files."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.torture", *arguments],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--duration=5", "'5' is not a duration"),
        ("--kills-every=1ms", "'1ms' is out of range; allowed: 50ms to 1h"),
        ("--rate=-1", "'-1' is no rate; allowed: above 0, up to 100 orders a second"),
        ("--rate=nan", "'nan' is no rate"),
    ],
)
def test_bad_options_are_refused_with_what_is_allowed(argument: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        read_options([argument])
    assert said in capsys.readouterr().err


@pytest.mark.system
def test_nothing_is_lost_doubled_or_stuck_when_processes_are_killed_and_paused(tmp_path: Path) -> None:
    arguments = ("--duration", "12s", "--seed", "7", "--kills-every", "400ms", "--rate", "6", "--without", "breaker")
    done = torture(*arguments, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lost 0, doubled 0, stuck 0" in done.stdout
    assert int(re.search(r"each of (\d+) promised orders is there, once", done.stdout)[1]) > 5  # type: ignore[index]  # asserted by indexing
    assert list(tmp_path.iterdir()) == []
