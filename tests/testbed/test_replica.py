import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.registry import InstanceState
from testbed.journal import Journal
from testbed.notices import Notice
from testbed.plan import InstancePlan
from testbed.ports import free_port
from testbed.process import Child, Command, StartError
from testbed.replica import Replica, Surroundings
from testbed.restarts import MAX_RESTARTS


class FakeProcesses:
    """Starts nothing; a child ends when the test says so, or at once by a signal that would end it."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.children: list[Child] = []
        self.signals: list[int] = []
        self.error: Exception | None = None
        self.may_start = asyncio.Event()
        self.may_start.set()

    async def start(self, command: Command) -> Child:
        await self.may_start.wait()
        if self.error is not None:
            raise self.error
        self.commands.append(command)
        self.children.append(Child(100 + len(self.children), asyncio.get_running_loop().create_future()))
        return self.children[-1]

    def signal(self, child: Child, number: int) -> None:
        self.signals.append(number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self.end(-number)

    def end(self, status: int) -> None:
        self.children[-1].exit.set_result(status)

    def close(self) -> None:
        pass


@dataclass
class FakeTimer:
    delay_s: float
    callback: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeTimers:
    def __init__(self) -> None:
        self.set: list[FakeTimer] = []

    def time(self) -> float:
        return 0.0

    def call_later(self, delay: float, callback: Callable[[], None], /) -> FakeTimer:
        self.set.append(FakeTimer(delay, callback))
        return self.set[-1]


@dataclass
class Setting:
    replica: Replica
    processes: FakeProcesses
    timers: FakeTimers
    journal: Path
    ended: list[str]
    life: asyncio.Task[None] | None = None

    async def settle(self) -> None:
        """Lets everything happen that does not wait for something outside; the first time, the replica's life begins."""
        self.life = self.life or asyncio.create_task(self.replica.run())
        for _ in range(20):
            await asyncio.sleep(0)

    async def become_up(self, port: int = 5_000) -> None:
        await self.settle()
        self.replica.notify(Notice(self.replica.name, self.replica.pid, port, None))
        await self.settle()

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.journal.read_text().splitlines()]


@pytest.fixture
async def setting(tmp_path: Path) -> AsyncIterator[Setting]:
    processes, timers, ended = FakeProcesses(), FakeTimers(), list[str]()

    async def is_ready(host: str, port: int) -> bool:
        return True

    journal = tmp_path / "processes.jsonl"
    around = Surroundings(processes, Journal(journal), timers, is_ready, changed=lambda: None, ended=ended.append)
    plan = InstancePlan("orders", 2, "services.orders.main", 0, {"FIREBREAK_SERVICE": "orders"}, tmp_path / "orders-2.jsonl")
    replica = Replica(plan, around)
    setting = Setting(replica, processes, timers, journal, ended)
    yield setting
    if setting.life is not None:
        setting.life.cancel()


async def test_it_is_up_once_its_own_process_says_that_it_listens(setting: Setting) -> None:
    await setting.settle()
    setting.replica.notify(Notice("orders/2", 99, 4_999, None))  # A predecessor's last words.
    await setting.settle()
    assert setting.replica.instance().state is InstanceState.STARTING
    await setting.become_up(port=5_000)
    assert setting.replica.is_up
    assert setting.replica.instance().port == 5_000


async def test_words_that_arrive_before_the_start_is_known_count(setting: Setting) -> None:
    setting.replica.notify(Notice("orders/2", 100, 5_000, None))
    await setting.settle()
    assert setting.replica.is_up


async def test_a_process_that_ends_by_itself_is_started_again_after_a_while(setting: Setting) -> None:
    await setting.become_up()
    setting.processes.end(1)
    await setting.settle()
    assert setting.replica.instance().state is InstanceState.DOWN
    assert setting.ended == ["orders/2"]
    assert [timer.delay_s for timer in setting.timers.set] == [0.1]
    setting.timers.set[-1].callback()
    await setting.become_up()
    assert setting.replica.is_up
    assert setting.events() == ["start", "ready", "exit", "restart", "start", "ready"]


async def test_a_process_that_keeps_ending_is_given_up_with_the_reason(setting: Setting) -> None:
    for _ in range(MAX_RESTARTS):
        await setting.settle()
        setting.processes.end(1)
        await setting.settle()
        setting.timers.set[-1].callback()
    await setting.settle()
    setting.processes.end(3)
    await setting.settle()
    assert setting.replica.failure == "exit status 3"
    assert len(setting.processes.children) == MAX_RESTARTS + 1
    assert setting.events()[-1] == "gave_up"


async def test_a_start_that_cannot_succeed_is_not_tried_again(setting: Setting) -> None:
    setting.processes.error = StartError("module services.orders.main cannot be imported")
    await setting.settle()
    assert setting.replica.failure == "module services.orders.main cannot be imported"
    assert setting.timers.set == []


async def test_a_start_that_failed_for_the_moment_is_tried_again(setting: Setting) -> None:
    setting.processes.error = OSError(11, "cannot fork")
    await setting.settle()
    setting.processes.error = None
    setting.timers.set[-1].callback()
    await setting.become_up()
    assert setting.replica.is_up


async def test_held_down_it_is_killed_and_stays_down_until_released(setting: Setting) -> None:
    await setting.become_up()
    setting.replica.hold_down()
    await setting.settle()
    assert setting.replica.instance().state is InstanceState.DOWN
    assert len(setting.processes.children) == 1
    setting.replica.release()
    await setting.become_up()
    assert setting.replica.is_up
    assert setting.timers.set == []  # Nobody took the fault for a crash.


async def test_a_lease_that_ends_before_the_kill_is_noticed_still_restarts_it(setting: Setting) -> None:
    await setting.become_up()
    setting.replica.hold_down()
    setting.replica.release()
    await setting.become_up()
    assert setting.replica.is_up
    assert len(setting.processes.children) == 2


async def test_held_down_while_it_starts_it_dies_as_soon_as_it_runs(setting: Setting) -> None:
    setting.processes.may_start.clear()
    await setting.settle()
    setting.replica.hold_down()
    setting.processes.may_start.set()
    await setting.settle()
    assert setting.processes.signals == [signal.SIGKILL]
    assert setting.replica.instance().state is InstanceState.DOWN


async def test_release_ends_a_backoff_at_once(setting: Setting) -> None:
    await setting.become_up()
    setting.processes.end(1)
    await setting.settle()
    setting.replica.release()
    await setting.become_up()
    assert setting.replica.is_up
    assert setting.timers.set[0].cancelled


async def test_stop_wakes_a_paused_process_so_that_it_can_end_properly(setting: Setting) -> None:
    await setting.become_up()
    setting.replica.pause()
    await setting.replica.stop()
    assert setting.processes.signals == [signal.SIGSTOP, signal.SIGTERM, signal.SIGCONT]
    await setting.settle()
    assert setting.replica.instance().state is InstanceState.DOWN
    assert len(setting.processes.children) == 1


async def test_a_restarted_process_is_asked_to_take_the_port_it_had(setting: Setting) -> None:
    port = free_port()
    await setting.become_up(port)
    setting.replica.hold_down()
    await setting.settle()
    setting.replica.release()
    await setting.settle()
    ports = [command.environment["FIREBREAK_PORT"] for command in setting.processes.commands]
    assert ports == ["0", str(port)]
