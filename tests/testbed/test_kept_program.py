import asyncio
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from services.registry import InstanceState
from testbed.journal import Journal
from testbed.process import Child, Program
from testbed.restarts import MAX_RESTARTS
from testbed.stack.kept_program import READY_TIMEOUT_S, Around, KeptProgram
from testbed.stack.program_plan import ProgramPlan
from testbed.timers import Timer


class Clock:
    """Time that passes while somebody waits; no timer is ever asked for."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Timer:
        raise NotImplementedError

    async def pause(self, seconds: float) -> None:
        self.now_s += seconds
        await asyncio.sleep(0)


class Machine:
    """Starts programs that end as `ends` says, at once; a signal ends those that do not end by themselves."""

    def __init__(self, *ends: int | OSError | None) -> None:
        self.ends = list(ends)
        self.started: list[Program] = []
        self.signals: list[int] = []
        self.ready = True

    async def start(self, command: Program, /) -> Child:
        self.started.append(command)
        end = self.ends.pop(0) if self.ends else None
        if isinstance(end, OSError):
            raise end
        child = Child(len(self.started), asyncio.get_running_loop().create_future())
        if end is not None:
            child.exit.set_result(end)
        return child

    def signal(self, child: Child, number: int) -> None:
        self.signals.append(number)
        if number in (signal.SIGTERM, signal.SIGKILL) and not child.exit.done():
            child.exit.set_result(-number)

    async def is_ready(self, _host: str, _port: int, path: str) -> bool:
        assert path == "/-/ready"
        return self.ready


class Bench:
    """One program, its machine and its clock."""

    def __init__(self, folder: Path, machine: Machine, files: Callable[[], Mapping[str, str]] = dict) -> None:
        self.machine = machine
        self.clock = Clock()
        plan = ProgramPlan("prometheus", ("/bin/prometheus", "--x=1"), 9_090, "/-/ready", folder / "prometheus", files)
        around = Around(machine, Journal(folder / "journal"), self.clock, machine.is_ready, self.clock.pause)
        self.kept = KeptProgram(plan, around)

    @property
    def state(self) -> str:
        return self.kept.status().state

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():  # noqa: ASYNC110 - nobody tells: it is what a person who looks again would see.
                await asyncio.sleep(0)


async def test_a_program_is_up_once_it_answers_and_is_stopped_with_grace(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Machine(), lambda: {"rules/a.yaml": "groups: []"})
    bench.machine.ready = False
    life = asyncio.create_task(bench.kept.run())
    await bench.until(lambda: bool(bench.machine.started))
    assert bench.state == InstanceState.STARTING
    assert (tmp_path / "prometheus/rules/a.yaml").read_text() == "groups: []"
    bench.machine.ready = True
    await bench.until(lambda: bench.state == InstanceState.UP)
    assert (bench.kept.status().address, bench.kept.status().pid) == ("http://127.0.0.1:9090", 1)
    await bench.kept.stop()
    await life
    assert bench.machine.signals[0] == signal.SIGTERM
    assert len(bench.machine.started) == 1


async def test_one_that_ends_by_itself_is_started_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Machine(-9))
    life = asyncio.create_task(bench.kept.run())
    await bench.until(lambda: bench.state == InstanceState.DOWN)
    assert bench.kept.status().note == "killed by signal 9; it is started again"
    await bench.until(lambda: bench.state == InstanceState.UP)
    assert (len(bench.machine.started), bench.kept.status().note) == (2, "")
    await bench.kept.stop()
    await life


async def test_one_that_keeps_ending_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Machine(*[2] * 99))
    (tmp_path / "prometheus").mkdir()
    (tmp_path / "prometheus" / "log").write_text("first\nunknown flag --x\n")
    await bench.kept.run()
    status = bench.kept.status()
    assert len(bench.machine.started) == MAX_RESTARTS + 1
    assert (status.state, status.address, status.pid) == (InstanceState.DOWN, "", 0)
    assert status.note.startswith("cannot be kept running: exit status 2\nlast line of ")
    assert status.note.endswith("unknown flag --x")


async def test_one_that_never_answers_is_killed_and_started_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Machine())
    bench.machine.ready = False
    life = asyncio.create_task(bench.kept.run())
    await bench.until(lambda: len(bench.machine.started) == 2)
    assert bench.machine.signals == [signal.SIGKILL]
    assert bench.clock.now_s > 100 + READY_TIMEOUT_S
    await bench.kept.stop()
    await life


async def test_one_that_cannot_be_executed_is_no_error_of_anybody_else(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Machine(*[OSError(12, "Cannot allocate memory")] * 99))
    await bench.kept.run()
    assert bench.kept.status().note == "cannot be kept running: Cannot allocate memory"


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "prometheus").touch()
    bench = Bench(tmp_path, Machine())
    await bench.kept.run()
    assert bench.kept.status().note == f"cannot be kept running: {tmp_path}/prometheus/data: Not a directory"
    assert bench.machine.started == []


@pytest.mark.parametrize("name", ["GF_SECURITY_ADMIN_PASSWORD", "FIREBREAK_INTERNAL_TOKEN", "NOTIFY_SOCKET"])
async def test_a_program_inherits_neither_our_secrets_nor_settings_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "x")
    monkeypatch.setenv("TMPDIR", "/somewhere")
    bench = Bench(tmp_path, Machine(*[0] * 99))
    await bench.kept.run()
    environment = bench.machine.started[0].environment
    assert name not in environment
    assert environment["TMPDIR"] == "/somewhere"
