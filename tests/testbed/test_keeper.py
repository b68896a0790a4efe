import heapq
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from testbed.control import ControlError, HealRequest, ProcessFaultRequest
from testbed.journal import Journal
from testbed.keeper import MAX_LEASES, Keeper


class FakeTimer:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeTimers:
    """A monotonic clock that moves only when it is told to."""

    def __init__(self) -> None:
        self._now_s = 1000.0
        self._due: list[tuple[float, int, FakeTimer, Callable[[], None]]] = []

    def time(self) -> float:
        return self._now_s

    def call_later(self, delay: float, callback: Callable[[], None], /) -> FakeTimer:
        timer = FakeTimer()
        heapq.heappush(self._due, (self._now_s + delay, len(self._due), timer, callback))
        return timer

    def advance(self, seconds: float) -> None:
        end_s = self._now_s + seconds
        while self._due and self._due[0][0] <= end_s:
            self._now_s, _order, timer, callback = heapq.heappop(self._due)
            if not timer.cancelled:
                callback()
        self._now_s = end_s


@dataclass
class FakeReplica:
    is_up: bool = True
    done: list[str] = field(default_factory=list)

    @property
    def pid(self) -> int:
        return 42 if self.is_up else 0

    def hold_down(self) -> None:
        self.is_up = False
        self.done.append("killed")

    def release(self) -> None:
        self.is_up = True
        self.done.append("released")

    def pause(self) -> None:
        self.done.append("paused")

    def resume(self) -> None:
        self.done.append("resumed")


@dataclass
class Setting:
    keeper: Keeper
    timers: FakeTimers
    replicas: dict[str, FakeReplica]
    journal: Path

    def fault(self, kind: str, service: str, lease_ms: float, replica: int | None = None) -> None:
        fields = {"kind": kind, "service": service, "lease_ms": lease_ms, "replica": replica, "source": "a test"}
        self.keeper.grant(ProcessFaultRequest.model_validate(fields))

    def events(self) -> list[tuple[str, str]]:
        lines = map(json.loads, self.journal.read_text().splitlines()) if self.journal.exists() else ()
        return [(line["event"], line["instance"]) for line in lines]


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    timers = FakeTimers()
    replicas = {name: FakeReplica() for name in ("gateway/1", "orders/1", "orders/2")}
    journal = tmp_path / "processes.jsonl"
    return Setting(Keeper(replicas, timers, Journal(journal), wall_clock=lambda: 0.0), timers, replicas, journal)


def test_a_killed_replica_stays_down_until_its_lease_ends(setting: Setting) -> None:
    setting.fault("kill", "orders", 5_000, replica=2)
    setting.timers.advance(4.999)
    assert setting.replicas["orders/2"].done == ["killed"]
    setting.timers.advance(0.001)
    assert setting.replicas["orders/2"].done == ["killed", "released"]
    assert setting.keeper.leases() == ()


def test_a_service_is_all_its_replicas_and_nobody_else(setting: Setting) -> None:
    setting.fault("pause", "orders", 5_000)
    assert [setting.replicas[name].done for name in ("gateway/1", "orders/1", "orders/2")] == [[], ["paused"], ["paused"]]


def test_leases_of_one_kind_on_one_instance_end_with_the_last_of_them(setting: Setting) -> None:
    setting.fault("kill", "orders", 1_000, replica=1)
    setting.fault("kill", "orders", 3_000, replica=1)
    setting.timers.advance(2)
    assert setting.replicas["orders/1"].done == ["killed", "killed"]
    setting.timers.advance(1)
    assert setting.replicas["orders/1"].done[-1] == "released"


def test_healing_ends_every_lease_at_once_and_the_timers_of_ended_leases_do_nothing(setting: Setting) -> None:
    setting.fault("kill", "orders", 5_000, replica=1)
    setting.fault("pause", "gateway", 5_000)
    assert setting.keeper.heal(HealRequest()) == 2
    assert setting.replicas["orders/1"].done == ["killed", "released"]
    assert setting.replicas["gateway/1"].done == ["paused", "resumed"]
    setting.timers.advance(10)
    assert setting.replicas["orders/1"].done == ["killed", "released"]


def test_healing_one_replica_leaves_the_faults_of_others(setting: Setting) -> None:
    setting.fault("pause", "orders", 5_000)
    assert setting.keeper.heal(HealRequest(service="orders", replica=2)) == 1
    assert [lease.instance for lease in setting.keeper.leases()] == ["orders/1"]


def test_a_pause_ends_with_the_process_it_was_put_on(setting: Setting) -> None:
    setting.fault("pause", "orders", 5_000, replica=1)
    setting.replicas["orders/1"].is_up = False
    setting.keeper.process_ended("orders/1")
    assert setting.keeper.leases() == ()
    assert setting.replicas["orders/1"].done == ["paused"]  # There is nothing left to resume.


def test_a_process_that_does_not_run_cannot_be_paused_and_its_siblings_are_left_alone(setting: Setting) -> None:
    setting.replicas["orders/2"].is_up = False
    with pytest.raises(ControlError, match=r"orders/2 cannot be paused: no ready process runs"):
        setting.fault("pause", "orders", 5_000)
    assert setting.replicas["orders/1"].done == []
    assert setting.events() == []


@pytest.mark.parametrize(
    ("service", "replica", "complaint"),
    [
        ("oders", None, "unknown service 'oders'; allowed: gateway, orders"),
        ("orders", 3, "unknown replica orders/3; allowed: orders/1, orders/2"),
    ],
)
def test_an_unknown_target_is_answered_with_what_is_allowed(
    setting: Setting, service: str, replica: int | None, complaint: str
) -> None:
    with pytest.raises(ControlError) as fault:
        setting.fault("kill", service, 1_000, replica)
    with pytest.raises(ControlError) as heal:
        setting.keeper.heal(HealRequest(service=service, replica=replica))
    assert str(fault.value) == str(heal.value) == complaint


def test_the_number_of_leases_is_bounded_and_a_refused_fault_touches_nobody(setting: Setting) -> None:
    for _ in range(MAX_LEASES - 1):
        setting.fault("kill", "gateway", 1_000)
    with pytest.raises(ControlError, match=f"{MAX_LEASES} are allowed"):
        setting.fault("kill", "orders", 1_000)
    assert setting.replicas["orders/1"].done == []


def test_what_is_in_force_is_told_with_the_time_it_has_left(setting: Setting) -> None:
    setting.fault("kill", "orders", 5_000, replica=2)
    setting.timers.advance(2)
    (lease,) = setting.keeper.leases()
    assert (lease.instance, lease.kind, lease.remaining_ms, lease.source) == ("orders/2", "kill", 3_000.0, "a test")


def test_the_journal_tells_grant_fault_end_and_repair_in_order(setting: Setting) -> None:
    setting.fault("pause", "gateway", 1_000)
    setting.timers.advance(1)
    assert setting.events() == [
        ("lease_granted", "gateway/1"),
        ("pause", "gateway/1"),
        ("lease_ended", "gateway/1"),
        ("resume", "gateway/1"),
    ]


def test_a_system_that_stops_forgets_its_leases_and_restarts_nobody(setting: Setting) -> None:
    setting.fault("kill", "orders", 1_000)
    setting.keeper.close()
    setting.timers.advance(10)
    assert setting.replicas["orders/1"].done == ["killed"]
