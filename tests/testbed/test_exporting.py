"""The exporter of a system is kept: it is started again when it ends by itself, and ends when it is told to."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from services.registry import InstanceState
from testbed.exporting import KeptExporter
from testbed.journal import Journal
from testbed.process import Child, Command
from testbed.restarts import MAX_RESTARTS


class FakeProcesses:
    """Processes that live until somebody ends them."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.signals: list[int] = []
        self.ends_at_once = False
        self.is_deaf = False
        self.started = asyncio.Event()

    async def start(self, command: Command) -> Child:
        child = Child(100 + len(self.children), asyncio.get_running_loop().create_future())
        self.children.append(child)
        self.started.set()
        if self.ends_at_once:
            child.exit.set_result(1)
        return child

    def signal(self, child: Child, number: int) -> None:
        self.signals.append(number)
        if number == signal.SIGKILL or not self.is_deaf:
            child.exit.set_result(-number)

    def close(self) -> None:
        pass


class Kept:
    def __init__(self, folder: Path) -> None:
        self.processes = FakeProcesses()
        self.pauses: list[float] = []
        command = Command("exporter/1", "exporter.main", {}, folder / "log")
        loop = asyncio.get_running_loop()
        self.exporter = KeptExporter(
            command, folder / "exporter.sock", self.processes, Journal(folder / "journal"), loop, self.pause
        )
        self.journal = folder / "journal"

    async def pause(self, delay_s: float) -> None:
        self.pauses.append(delay_s)

    async def begin(self) -> "asyncio.Task[None]":
        life = asyncio.create_task(self.exporter.run())
        await self.processes.started.wait()
        await asyncio.sleep(0)
        return life


@pytest.fixture
def keep(tmp_path: Path) -> Callable[[], Awaitable[Kept]]:
    async def make() -> Kept:
        return Kept(tmp_path)

    return make


async def test_one_that_ends_by_itself_is_started_again(keep: Callable[[], Awaitable[Kept]]) -> None:
    kept = await keep()
    life = await kept.begin()
    kept.processes.started.clear()
    kept.processes.children[0].exit.set_result(-9)
    await kept.processes.started.wait()
    await asyncio.sleep(0)
    await kept.exporter.stop()
    await life
    assert (len(kept.processes.children), kept.pauses) == (2, [0.1])
    assert "killed by signal 9; again in 0.1 s" in kept.journal.read_text()


async def test_one_that_keeps_ending_is_given_up_and_the_system_goes_on(keep: Callable[[], Awaitable[Kept]]) -> None:
    kept = await keep()
    kept.processes.ends_at_once = True
    await (await kept.begin())
    assert len(kept.processes.children) == MAX_RESTARTS + 1
    assert "gave_up" in kept.journal.read_text()
    status = kept.exporter.status()
    assert (status.state, status.pid, status.address) == (InstanceState.DOWN, 0, "")
    assert status.note.startswith("exit status 1")


async def test_one_that_runs_is_seen_in_the_status_of_its_system(keep: Callable[[], Awaitable[Kept]]) -> None:
    kept = await keep()
    life = await kept.begin()
    status = kept.exporter.status()
    assert (status.state, status.pid, status.note) == (InstanceState.UP, 100, "")
    await kept.exporter.stop()
    await life


async def test_one_that_is_told_to_end_is_asked_first_and_not_started_again(keep: Callable[[], Awaitable[Kept]]) -> None:
    kept = await keep()
    life = await kept.begin()
    await kept.exporter.stop()
    await life
    assert (kept.processes.signals, len(kept.processes.children)) == ([signal.SIGTERM], 1)


async def test_one_that_does_not_hear_is_killed(keep: Callable[[], Awaitable[Kept]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("testbed.keeping.GRACE_S", 0.0)
    kept = await keep()
    kept.processes.is_deaf = True
    life = await kept.begin()
    await kept.exporter.stop()
    await life
    assert kept.processes.signals == [signal.SIGTERM, signal.SIGKILL]
