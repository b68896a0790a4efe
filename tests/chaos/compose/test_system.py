"""A system in containers: who runs, what is in force, and faults in all of a place's containers or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos.targets.compose.engine import EngineError, StoppedError
from chaos.targets.compose.system import ComposeSystem
from chaos.targets.errors import TargetError
from services.registry import InstanceState
from testbed.control import ControlError, HealRequest, NotRunningError, ProcessFaultRequest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.compose.fake_engine import FakeEngine, FakeSpawn


def pause(service: str, replica: int | None = None) -> ProcessFaultRequest:
    return ProcessFaultRequest(kind="pause", service=service, replica=replica, lease_ms=30_000, source="test")


def kill(service: str, replica: int | None = None, lease_ms: float = 30_000) -> ProcessFaultRequest:
    return ProcessFaultRequest(kind="kill", service=service, replica=replica, lease_ms=lease_ms, source="test")


def test_its_status_has_every_replica_at_the_port_that_this_machine_has_of_it(system: ComposeSystem, engine: FakeEngine) -> None:
    status = system.status()
    assert [each.name for each in status.instances] == [
        "gateway/1", "users/1", "restaurants/1", "orders/1", "orders/2", "payments/1", "payments/2", "deliveries/1",
        "notifications/1",
    ]  # fmt: skip
    orders = status.instances[4]
    assert orders.base_url == f"http://127.0.0.1:{engine.found['orders/2'].ports[8080]}"
    assert (orders.state, orders.pid) == (InstanceState.UP, 7)
    assert (status.phase, status.profile, status.run_id, status.data) == (
        "ready", "declared", "compose", "PostgreSQL, databases firebreak_*",
    )  # fmt: skip
    assert status.addresses == {
        "gateway": "http://127.0.0.1:30000",
        "traces": "http://127.0.0.1:20000",
        "prometheus": "http://127.0.0.1:20001",
        "alertmanager": "http://127.0.0.1:20002",
        "grafana": "http://127.0.0.1:20003",
    }
    assert [each.name for each in status.stack] == ["alertmanager", "grafana", "jaeger", "postgres", "prometheus"]


def test_its_tokens_are_those_that_its_containers_were_started_with(system: ComposeSystem) -> None:
    assert system.secrets().chaos_token == "secret-firebreak-chaos-token"
    assert system.secrets().internal_token == "secret-firebreak-internal-token"


def test_its_roll_asks_no_keeper(system: ComposeSystem, engine: FakeEngine) -> None:
    assert len(system.roll().instances) == 9
    assert not [each for each in engine.asked if each.startswith("inside")]


def test_a_pause_is_a_lease_of_the_keeper_in_each_container_and_a_heal_ends_it(system: ComposeSystem, engine: FakeEngine) -> None:
    leases = system.disturb(pause("orders"))
    assert [(each.id, each.kind, each.instance) for each in leases] == [
        ("pause-1-orders-1", "pause", "orders/1"),
        ("pause-1-orders-2", "pause", "orders/2"),
    ]
    assert [each.instance for each in system.status().leases] == ["orders/1", "orders/2"]
    assert system.heal(HealRequest(service="orders", replica=1)) == 1
    assert [each.instance for each in system.status().leases] == ["orders/2"]
    assert system.heal(HealRequest()) == 1


def test_when_one_keeper_refuses_a_pause_the_other_is_taken_back(system: ComposeSystem, engine: FakeEngine) -> None:
    engine.refusals["orders/2"] = "orders/2 cannot be paused: no ready process runs"
    with pytest.raises(ControlError, match=r"orders/2 cannot be paused: no ready process runs; nothing was paused"):
        system.disturb(pause("orders"))
    assert engine.pauses["orders/1"] == []


def test_a_container_that_does_not_run_cannot_be_paused(system: ComposeSystem, engine: FakeEngine) -> None:
    engine.change("orders/2", state="exited")
    with pytest.raises(ControlError, match=r"orders/2 cannot be paused: its container does not run"):
        system.disturb(pause("orders"))
    assert engine.pauses == {}


def test_a_kill_is_the_engines_and_lasts_until_it_is_healed(system: ComposeSystem, engine: FakeEngine) -> None:
    leases = system.disturb(kill("payments"))
    assert [(each.kind, each.instance) for each in leases] == [("kill", "payments/1"), ("kill", "payments/2")]
    assert 29_000 < leases[0].remaining_ms <= 30_000
    status = system.status()
    assert {each.name: each.state for each in status.instances if each.service == "payments"} == {
        "payments/1": InstanceState.DOWN,
        "payments/2": InstanceState.DOWN,
    }
    assert (status.phase, [each.instance for each in status.leases]) == ("ready", ["payments/1", "payments/2"])
    assert system.heal(HealRequest(service="payments", replica=2)) == 1
    assert (engine.state("payments/1"), engine.state("payments/2")) == ("exited", "running")
    assert system.heal(HealRequest()) == 1
    assert engine.state("payments/1") == "running"
    assert system.status().leases == ()


def test_a_paused_container_that_is_killed_is_not_paused_when_it_is_back(system: ComposeSystem) -> None:
    system.disturb(pause("users"))
    system.disturb(kill("users"))
    assert [each.kind for each in system.status().leases] == ["kill"]
    assert system.heal(HealRequest()) == 1
    assert system.status().leases == ()


def test_a_kill_that_the_engine_refuses_leaves_nothing(system: ComposeSystem, engine: FakeEngine, spawn: FakeSpawn) -> None:
    spawn.says = "docker kill: cannot kill container: x"
    with pytest.raises(EngineError, match=r"cannot kill container: x; nothing was killed"):
        system.disturb(kill("payments"))
    assert system.status().leases == ()
    assert engine.state("payments/1") == "running"


def test_more_kills_than_are_allowed_are_refused(system: ComposeSystem, spawn: FakeSpawn) -> None:
    for _ in range(32):
        system.disturb(kill("payments"))
    with pytest.raises(ControlError, match=r"64 kills are in force and 64 are allowed; heal some first"):
        system.disturb(kill("users"))


def test_what_is_unknown_to_the_map_is_refused(system: ComposeSystem) -> None:
    with pytest.raises(ControlError, match=r"unknown service or replica 'orders/3'; allowed: gateway/1, .*orders/2"):
        system.disturb(kill("orders", 3))


def test_without_a_project_everything_says_how_to_start_one(engine: FakeEngine) -> None:
    nobody = ComposeSystem(engine, "other")
    for ask in (
        nobody.roll,
        nobody.status,
        nobody.secrets,
        lambda: nobody.heal(HealRequest()),
        lambda: nobody.disturb(kill("users")),
    ):
        with pytest.raises(NotRunningError, match=r"no Compose project 'other' runs; start it with: make up"):
            ask()
    assert not nobody.runs


def test_a_project_that_is_stopped_is_not_running(system: ComposeSystem, engine: FakeEngine) -> None:
    for name in [each for each in engine.found if "/" in each]:
        engine.change(name, state="exited", health="")
    assert not system.runs
    with pytest.raises(NotRunningError, match=r"none of the 9 service containers of 'firebreak' runs; start them with: make up"):
        system.status()


def test_a_project_whose_services_are_all_held_down_runs(system: ComposeSystem, engine: FakeEngine) -> None:
    for name in ("gateway", "users", "restaurants", "orders", "payments", "deliveries", "notifications"):
        system.disturb(kill(name))
    assert system.runs
    assert len(system.status().leases) == 9


def test_half_a_project_is_degraded_and_what_is_missing_is_down(system: ComposeSystem, engine: FakeEngine) -> None:
    engine.change("users/1", state="exited", health="")
    engine.remove("orders/2")
    status = system.status()
    down = [each.name for each in status.instances if each.state is InstanceState.DOWN]
    assert (status.phase, down) == ("degraded", ["users/1", "orders/2"])
    with pytest.raises(TargetError, match=r"orders/2 has no container; start it: make up"):
        system.disturb(kill("orders"))
    assert engine.state("orders/1") == "running"


def test_a_container_whose_check_has_not_passed_yet_is_starting(system: ComposeSystem, engine: FakeEngine) -> None:
    engine.change("users/1", health="starting")
    assert system.roll().phase == "starting"


def test_a_container_of_an_unknown_service_is_named_with_the_way_out(system: ComposeSystem, engine: FakeEngine) -> None:
    labels = dict(engine.found["users/1"].labels) | {"firebreak.service": "kitchen"}
    engine.found["kitchen/1"] = engine.found["users/1"]
    engine.change("kitchen/1", id="id-kitchen", name="firebreak-kitchen-1", labels=labels)
    text = r"container firebreak-kitchen-1 says that it is kitchen/1, which .*yaml does not have; remove it: docker rm --force"
    for ask in (system.status, lambda: system.disturb(kill("users"))):
        with pytest.raises(TargetError, match=text):
            ask()
    assert system.heal(HealRequest()) == 0


def test_containers_of_different_starts_are_named(system: ComposeSystem, engine: FakeEngine) -> None:
    engine.environment("users/1", FIREBREAK_PROFILE="none")
    with pytest.raises(
        TargetError, match=r"different starts: .* with profile declared and users/1 with profile none; start them anew: make up"
    ):
        system.status()


def test_a_container_without_a_map_is_named(system: ComposeSystem, engine: FakeEngine) -> None:
    for name in [each for each in engine.found if "/" in each]:
        engine.change(name, mounts={})
    with pytest.raises(TargetError, match=r"has no map mounted at /etc/firebreak/topology.yaml; start it anew: make up"):
        system.status()


def test_a_keeper_that_cannot_be_asked_is_named(system: ComposeSystem, engine: FakeEngine) -> None:
    engine.broken["inside users/1"] = EngineError("docker exec: no answer within 5 s")
    with pytest.raises(TargetError, match=r"firebreak-users-1-1: its keeper cannot be asked: docker exec: no answer within 5 s"):
        system.status()


def test_a_container_that_dies_while_it_is_asked_holds_up_nobody(system: ComposeSystem, engine: FakeEngine) -> None:
    engine.broken["inside users/1"] = StoppedError("docker exec: container id-users-1 is not running")
    assert len(system.status().instances) == 9
    assert system.heal(HealRequest()) == 0


def test_records_are_kept_where_the_project_was_started_and_only_for_its_owner(system: ComposeSystem, tmp_path: Path) -> None:
    system.disturb(kill("users"))
    folder = tmp_path / ".testbed" / "compose" / "firebreak"
    assert len(list(folder.glob("kill-*.json"))) == 1
    assert folder.stat().st_mode & 0o077 == 0
