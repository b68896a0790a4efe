"""Killed containers under leases: who starts them again, whoever dies meanwhile."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from chaos.targets.compose import kill_record
from chaos.targets.compose.engine import EngineError
from chaos.targets.compose.kill_record import KillRecord, KillRecords
from chaos.targets.compose.kills import Kills
from chaos.targets.compose.reviver import Reviver
from tests.chaos.compose.fake_engine import NO_ENGINE, FakeEngine, FakeSpawn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ORDERS = {"orders/1": "id-orders-1", "orders/2": "id-orders-2"}


class Clock:
    """The machine's monotonic clock."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def monotonic(self) -> float:
        return self.now_s

    def time(self) -> float:
        return 1_700_000_000.0 + self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()
    for module in ("kill_record", "kills", "reviver"):
        monkeypatch.setattr(f"chaos.targets.compose.{module}.time", fake)
    return fake


@pytest.fixture
def kills(tmp_path: Path, engine: FakeEngine, spawn: FakeSpawn, clock: Clock) -> Kills:
    return Kills(tmp_path / "kills", engine, spawn)


def reviver(kills: Kills, engine: FakeEngine, clock: Clock, at_look: Callable[[], bool] | None = None) -> Reviver:
    """One for the first grant, whose waiting moves the clock; `at_look` happens at each look and may tell it to end."""

    def wait(duration_s: float) -> bool:
        clock.now_s += duration_s
        return at_look() if at_look else False

    return Reviver(kills.journal_file.parent, kills.records()[0].grant, engine, wait)


def events(kills: Kills) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in kills.journal_file.read_text(encoding="utf-8").splitlines()]
    return [(line["event"], line["instance"]) for line in lines]


def test_containers_are_started_again_when_the_lease_ends(kills: Kills, engine: FakeEngine, clock: Clock) -> None:
    kills.grant(ORDERS, 10_000, "test")
    assert (engine.state("orders/1"), engine.state("orders/2")) == ("exited", "exited")
    reviver(kills, engine, clock).hold()
    assert (engine.state("orders/1"), engine.state("orders/2")) == ("running", "running")
    assert clock.now_s == pytest.approx(1_010, abs=0.01)
    assert kills.records() == ()
    assert events(kills)[-1] == ("start", "orders/2")


def test_a_reviver_kills_and_writes_it_down(kills: Kills, engine: FakeEngine, clock: Clock) -> None:
    kills.grant(ORDERS, 10_000, "chaos kill")
    engine.start(ORDERS.values())
    reviver(kills, engine, clock).kill()
    assert engine.state("orders/2") == "exited"
    assert [each for each in events(kills) if each[0] == "kill"] == [("kill", "orders/1"), ("kill", "orders/2")]


def test_a_reviver_that_cannot_kill_leaves_everything_running(kills: Kills, engine: FakeEngine, clock: Clock) -> None:
    kills.grant(ORDERS, 10_000, "test")
    engine.broken["kill"] = NO_ENGINE
    with pytest.raises(EngineError, match="no Docker engine answers"):
        reviver(kills, engine, clock).kill()
    assert kills.records() == ()
    assert engine.state("orders/1") == "running"


def test_a_kill_whose_asker_went_away_meanwhile_is_taken_back(kills: Kills, engine: FakeEngine, clock: Clock) -> None:
    records = kills.grant(ORDERS, 10_000, "test")
    holder = reviver(kills, engine, clock)
    kills.release(records, "nobody waited for it")
    holder.kill()
    assert (engine.state("orders/1"), engine.state("orders/2")) == ("running", "running")


def test_two_kills_of_one_container_last_until_the_longer_has_ended(kills: Kills, engine: FakeEngine, clock: Clock) -> None:
    kills.grant({"orders/1": "id-orders-1"}, 10_000, "first")
    clock.now_s += 0.001
    kills.grant(ORDERS, 30_000, "second")
    reviver(kills, engine, clock).hold()
    assert clock.now_s == pytest.approx(1_010, abs=0.01)
    assert (engine.state("orders/1"), len(kills.records())) == ("exited", 2)
    reviver(kills, engine, clock).hold()
    assert clock.now_s == pytest.approx(1_030, abs=0.01)
    assert engine.state("orders/1") == "running"


def test_a_heal_starts_what_two_kills_held_down_once(kills: Kills, engine: FakeEngine) -> None:
    kills.grant({"orders/1": "id-orders-1"}, 10_000, "first")
    kills.grant(ORDERS, 30_000, "second")
    assert kills.release(kills.records(), "healed") == 3
    assert [each for each in engine.asked if each.startswith("start")] == ["start id-orders-1 id-orders-2"]
    assert kills.records() == ()


def test_a_reviver_ends_soon_after_somebody_else_healed(kills: Kills, engine: FakeEngine, clock: Clock) -> None:
    records = kills.grant(ORDERS, 600_000, "test")

    def heal() -> bool:
        kills.release(records, "healed")
        return False

    reviver(kills, engine, clock, heal).hold()
    assert clock.now_s < 1_001
    assert [each for each in engine.asked if each.startswith("start")] == ["start id-orders-1 id-orders-2"]


@pytest.mark.parametrize("gone", [lambda engine: engine.remove("orders/1"), lambda engine: engine.start(["id-orders-1"])])
def test_a_reviver_whose_project_was_taken_down_or_started_ends_within_seconds(
    kills: Kills, engine: FakeEngine, clock: Clock, gone: Callable[[FakeEngine], None]
) -> None:
    kills.grant({"orders/1": "id-orders-1"}, 3_600_000, "test")
    gone(engine)
    reviver(kills, engine, clock).hold()
    assert clock.now_s < 1_006
    assert kills.records() == ()


def test_a_reviver_that_is_told_to_end_ends_the_lease(kills: Kills, engine: FakeEngine, clock: Clock) -> None:
    kills.grant(ORDERS, 600_000, "test")
    reviver(kills, engine, clock, lambda: True).hold()
    assert engine.state("orders/1") == "running"
    assert clock.now_s < 1_001


def test_a_reviver_tries_again_while_the_engine_does_not_answer(kills: Kills, engine: FakeEngine, clock: Clock) -> None:
    kills.grant(ORDERS, 1_000, "test")
    engine.broken["start"] = NO_ENGINE
    engine.broken["states"] = NO_ENGINE

    def repaired() -> bool:
        if clock.now_s > 1_060:
            engine.broken.clear()
        return False

    reviver(kills, engine, clock, repaired).hold()
    assert engine.state("orders/1") == "running"
    assert 1_060 < clock.now_s < 1_063


def test_what_a_dead_reviver_left_is_started_once_its_time_is_over(
    kills: Kills, engine: FakeEngine, spawn: FakeSpawn, clock: Clock
) -> None:
    kills.grant(ORDERS, 10_000, "test")
    spawn.die()
    clock.now_s += 11
    kills.mend()
    assert (engine.state("orders/1"), kills.records()) == ("running", ())
    assert not list(kills.journal_file.parent.glob("*.lock"))


def test_what_a_dead_reviver_left_before_its_time_is_held_by_another_that_kills_nobody(
    kills: Kills, engine: FakeEngine, spawn: FakeSpawn, clock: Clock
) -> None:
    kills.grant(ORDERS, 10_000, "test")
    spawn.die()
    clock.now_s += 5
    killed = engine.asked.count("kill id-orders-1 id-orders-2")
    kills.mend()
    assert len(spawn.grants) == 1
    assert engine.asked.count("kill id-orders-1 id-orders-2") == killed
    reviver(kills, engine, clock).hold()
    assert clock.now_s == pytest.approx(1_010, abs=0.01)


def test_a_reviver_that_lives_is_left_alone(kills: Kills, engine: FakeEngine, spawn: FakeSpawn, clock: Clock) -> None:
    kills.grant(ORDERS, 10_000, "test")
    clock.now_s += 11  # It is about to.
    asked = len(engine.asked)
    kills.mend()
    assert len(engine.asked) == asked
    assert len(kills.records()) == 2


def test_a_lease_does_not_outlive_the_machine_that_it_was_granted_on(
    kills: Kills, engine: FakeEngine, spawn: FakeSpawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills.grant(ORDERS, 3_600_000, "test")
    spawn.die()
    monkeypatch.setattr(kill_record, "this_boot", lambda: "another")
    kills.mend()
    assert (engine.state("orders/1"), kills.records()) == ("running", ())


def test_a_grant_that_was_interrupted_is_taken_back(kills: Kills, engine: FakeEngine) -> None:
    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    broken = Kills(kills.journal_file.parent, engine, interrupted)
    with pytest.raises(KeyboardInterrupt):
        broken.grant(ORDERS, 10_000, "test")
    assert kills.records() == ()
    assert engine.asked == ["start id-orders-1 id-orders-2"]


def test_a_record_that_is_damaged_is_passed_over(tmp_path: Path) -> None:
    records = KillRecords(tmp_path)
    whole = KillRecord("abc", "orders/1", "id", 1.0, 2.0, "boot", "test")
    records.write([whole])
    (tmp_path / "kill-x-orders-1.json").write_text("{", encoding="utf-8")
    (tmp_path / "kill-y-orders-1.json").write_text('{"grant": "y"}', encoding="utf-8")
    assert records.all() == (whole,)


def test_a_lock_is_one_process_own(tmp_path: Path) -> None:
    records = KillRecords(tmp_path)
    first = records.hold("abc")
    assert first is not None
    assert records.hold("abc") is None
    os.close(first)
    again = records.hold("abc")
    assert again is not None
    os.close(again)
