"""The real thing, shortened: real processes, real load, a real kill; and nothing left of it, whatever ends it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chaos.experiment.outcomes import ProofKind, ProofStatus, Verdict
from chaos.experiment.result import Result

pytestmark = pytest.mark.system
COMMAND = (sys.executable, "-m", "chaos.cli", "run", "delivery-outage", "--scale", "0.1", "--arm", "declared")
LIMIT_S = 60.0


@contextmanager
def shortened_run(folder: Path) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        COMMAND, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        try:
            yield run
        finally:
            run.kill()


def wait_for(run: subprocess.Popen[str], text: str) -> None:
    assert run.stdout is not None
    said = []
    for line in run.stdout:
        said.append(line)
        if text in line:
            return
    pytest.fail(f"never said {text!r}, but:\n{''.join(said)}")


def belonging_to(folder: Path) -> list[int]:
    """Processes whose working directory is `folder`: everything that a run started there has inherited it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_zombie = "\nState:\tZ" in (process / "status").read_text(encoding="utf-8", errors="replace")
            if (process / "cwd").readlink() == folder and not is_zombie:
                found.append(int(process.name))
        except OSError:
            continue
    return found


def wait_until_gone(folder: Path) -> list[int]:
    deadline = time.monotonic() + 15
    while (left := belonging_to(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a run works; what a failed test leaves is killed by its id."""
    yield tmp_path
    for pid in belonging_to(tmp_path):
        os.kill(pid, signal.SIGKILL)


def test_a_shortened_run_proves_that_the_fault_bit_and_owns_up_to_too_few_journeys(folder: Path) -> None:
    done = subprocess.run(COMMAND, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    arm = Result.read(folder / ".testbed" / "runs" / "latest" / "verdict.json").arm("declared")
    assert arm.verdict in (Verdict.INCONCLUSIVE, Verdict.INVALID)  # A busy machine may spoil more than the sample's size.
    assert arm.proof(ProofKind.FAULT_BIT).status is ProofStatus.PROVEN, arm.proof(ProofKind.FAULT_BIT).sentence
    assert arm.proof(ProofKind.INVARIANTS).status is ProofStatus.PROVEN, arm.proof(ProofKind.INVARIANTS).sentence
    assert arm.journey("track").fault.degraded > 0
    assert (folder / ".testbed" / "runs" / "latest" / "report.html").stat().st_size > 10_000
    assert belonging_to(folder) == []


def test_a_runner_that_is_killed_leaves_nothing_running(folder: Path) -> None:
    with shortened_run(folder) as run:
        wait_for(run, "is in force in deliveries/1")
        assert len(belonging_to(folder)) > 9
        run.kill()
    assert wait_until_gone(folder) == []


def test_ctrl_c_in_the_middle_of_the_fault_stops_everything_and_says_so(folder: Path) -> None:
    with shortened_run(folder) as run:
        wait_for(run, "is in force in deliveries/1")
        run.send_signal(signal.SIGINT)
        wait_for(run, "interrupted: every fault is lifted and every process is stopped")
        assert run.wait(LIMIT_S) == 130
    assert wait_until_gone(folder) == []
