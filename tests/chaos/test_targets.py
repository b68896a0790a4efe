"""Finding a running system's processes, and putting faults into all of a place's processes or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos.faults import Abort, Error, Hang, Latency
from chaos.inject.leases import MAX_LEASES
from chaos.inject.messages import LeaseRequest
from chaos.targets.control_client import ControlClient
from chaos.targets.errors import TargetError, UnknownPlaceError
from chaos.targets.local import LocalSystem, LocalTarget
from chaos.targets.place import Place
from chaos.targets.system_target import SystemTarget
from services.registry import Instance, InstanceState
from services.topology import Topology, topology_from_text
from testbed.control import HealRequest, NotRunningError, ProcessFaultRequest, SystemStatus
from testbed.run import RunFolder, Secrets

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.conftest import FakeTestbed

PAYMENTS = Place("payments")
EDGE = Place("orders", edge="orders->payments")


@pytest.fixture
def topology() -> Topology:
    return topology_from_text(
        "services:\n  orders: {module: a, entry: true, replicas: 2}\n  payments: {module: b}\nedges:\n  orders->payments: {}\n"
    )


@pytest.fixture
def target(testbed: FakeTestbed) -> LocalTarget:
    return LocalTarget(testbed.state, timeout_s=0.3)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("payments", Place("payments")),
        ("orders/2", Place("orders", 2)),
        ("orders->payments", Place("orders", edge="orders->payments")),
    ],
)
def test_a_place_is_a_service_a_replica_or_an_edge(topology: Topology, text: str, place: Place) -> None:
    assert Place.parse(text, topology) == place
    assert str(place) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("payment", "unknown service 'payment' (did you mean payments?); allowed: orders, payments"),
        ("zebra", "unknown service 'zebra'; allowed: orders, payments"),
        ("orders/3", "unknown replica 'orders/3' (did you mean orders/2?); allowed: orders/1, orders/2"),
        ("orders/0", "unknown replica 'orders/0'"),
        ("orders/", "unknown replica 'orders/'"),
        ("orders/02", "unknown replica 'orders/02'"),
        ("order->payments", "unknown edge 'order->payments' (did you mean orders->payments?); allowed: orders->payments"),
        ("payments->orders", "unknown edge"),
        ("orders-", "the shell redirects at >, so quote it"),
        ("", "unknown service ''"),
    ],
)
def test_an_unknown_place_is_refused_with_the_nearest_one_and_all_that_are_allowed(
    topology: Topology, text: str, problem: str
) -> None:
    with pytest.raises(UnknownPlaceError) as caught:
        Place.parse(text, topology)
    assert problem in str(caught.value)


def test_a_fault_at_a_service_is_in_every_replica_under_one_id(testbed: FakeTestbed, target: LocalTarget) -> None:
    leases = target.inject(PAYMENTS, Latency(latency_ms=300), lease_ms=30_000, rate=0.5, source="test")
    assert [placed.instance for placed in leases] == ["payments/1", "payments/2"]
    assert len({placed.lease.id for placed in leases}) == 1
    assert testbed.faults() == {"payments/1": ["latency 300 ms"], "payments/2": ["latency 300 ms"]}
    (lease,) = testbed.leases("payments/1")
    assert (lease.rate, lease.source, lease.edge) == (0.5, "test", None)


def test_a_fault_on_an_edge_is_in_every_replica_of_the_caller(testbed: FakeTestbed, target: LocalTarget) -> None:
    target.inject(EDGE, Abort(), lease_ms=30_000)
    assert testbed.faults() == {"orders/1": ["abort"], "orders/2": ["abort"]}
    assert testbed.leases("orders/2")[0].edge == "orders->payments"


def test_a_fault_at_one_replica_is_in_that_one_only(testbed: FakeTestbed, target: LocalTarget) -> None:
    target.inject(Place("payments", 2), Hang(), lease_ms=30_000)
    assert testbed.faults() == {"payments/2": ["hang"]}


def test_when_one_replica_refuses_the_other_is_healed(testbed: FakeTestbed, target: LocalTarget) -> None:
    full = testbed.services["payments/2"].table
    for _ in range(MAX_LEASES):
        full.grant(LeaseRequest(fault=Error(), lease_ms=60_000))
    with pytest.raises(TargetError, match=r"payments/2 refused: 64 leases are in force already.*nothing was injected"):
        target.inject(PAYMENTS, Abort(), lease_ms=30_000)
    assert testbed.leases("payments/1") == ()
    assert len(testbed.leases("payments/2")) == MAX_LEASES


def test_when_one_replica_is_silent_the_other_is_healed_and_the_doubt_is_told(testbed: FakeTestbed, target: LocalTarget) -> None:
    testbed.silence("payments/1")
    with pytest.raises(TargetError, match=r"payments/1 did not answer within 0.3 s.*ends by itself within 30s"):
        target.inject(PAYMENTS, Abort(), lease_ms=30_000)
    assert testbed.faults() == {}


def test_a_process_that_is_gone_is_named(testbed: FakeTestbed, target: LocalTarget) -> None:
    testbed.die("payments/2")
    with pytest.raises(TargetError, match=r"payments/2 cannot be reached: .*refused; nothing was injected"):
        target.inject(PAYMENTS, Abort(), lease_ms=30_000)
    assert testbed.faults() == {}


def test_a_process_that_is_down_or_paused_gets_no_request_fault(testbed: FakeTestbed, target: LocalTarget) -> None:
    testbed.services["payments/2"].state = InstanceState.DOWN
    with pytest.raises(TargetError, match="payments/2 is down"):
        target.inject(PAYMENTS, Abort(), lease_ms=30_000)
    target.inject(Place("payments", 1), Abort(), lease_ms=30_000)
    target.disturb(Place("orders"), "pause", lease_ms=30_000)
    with pytest.raises(TargetError, match=r"orders/1 is paused.*chaos heal orders/1"):
        target.inject(EDGE, Abort(), lease_ms=30_000)


def test_process_faults_go_to_the_supervisor(testbed: FakeTestbed, target: LocalTarget) -> None:
    target.disturb(Place("orders"), "pause", lease_ms=10_000)
    leases = target.disturb(Place("payments", 2), "kill", lease_ms=5_000, source="test")
    assert [(lease.kind, lease.instance) for lease in leases] == [("kill", "payments/2")]
    assert testbed.asked[-1] == ProcessFaultRequest(kind="kill", service="payments", replica=2, lease_ms=5_000, source="test")


def test_a_process_fault_at_an_edge_makes_no_sense(testbed: FakeTestbed, target: LocalTarget) -> None:
    with pytest.raises(TargetError, match="kill acts on processes"):
        target.disturb(EDGE, "kill", lease_ms=5_000)
    assert testbed.asked == []


def test_healing_ends_everything_everywhere(testbed: FakeTestbed, target: LocalTarget) -> None:
    target.inject(PAYMENTS, Abort(), lease_ms=30_000)
    target.inject(EDGE, Hang(), lease_ms=30_000)
    target.disturb(Place("gateway"), "kill", lease_ms=30_000)
    healing = target.heal()
    assert (healing.healed, healing.silent) == (5, ())
    assert (testbed.faults(), testbed.process_leases) == ({}, [])


def test_healing_a_place_leaves_faults_at_other_places(testbed: FakeTestbed, target: LocalTarget) -> None:
    target.inject(Place("orders"), Error(), lease_ms=30_000)
    target.inject(EDGE, Hang(), lease_ms=30_000)
    target.inject(PAYMENTS, Abort(), lease_ms=30_000)
    target.heal(EDGE)
    assert testbed.asked == []
    target.heal(Place("payments", 1))
    assert testbed.asked == [HealRequest(service="payments", replica=1)]
    assert testbed.faults() == {"orders/1": ["error 503"], "orders/2": ["error 503"], "payments/2": ["abort"]}


def test_a_silent_process_does_not_hold_up_the_healing_of_the_others(testbed: FakeTestbed, target: LocalTarget) -> None:
    for name in ("gateway/1", "orders/1", "payments/1"):
        testbed.silence(name)
    target.inject(Place("payments", 2), Abort(), lease_ms=30_000)
    healing = target.heal()
    assert (healing.healed, set(healing.silent)) == (1, {"gateway/1", "orders/1", "payments/1"})
    assert testbed.faults() == {}


class Resumed(LocalSystem):
    """Its keeper resumes a process only when the patience with that is over, as one that is asked through an engine may."""

    def status(self) -> SystemStatus:
        paused = Instance(service="payments", replica=1, host="127.0.0.1", port=1, pid=1, state=InstanceState.UP)
        return SystemStatus(
            run_id="x", phase="ready", profile="x", topology="x", started_at=0.0, supervisor_pid=1, instances=(paused,),
            addresses={}, otlp_endpoint="",
        )  # fmt: skip

    def secrets(self) -> Secrets:
        return Secrets.generate()

    def heal(self, request: HealRequest) -> int:
        return 1


def test_a_process_that_is_resumed_late_is_asked_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers: list[Exception | tuple[int, bytes]] = [TimeoutError(), (200, b'{"healed": 2}')]

    def send(*_: object) -> tuple[int, bytes]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(ControlClient, "_send", send)
    healing = SystemTarget(Resumed(tmp_path)).heal()
    assert (healing.healed, healing.silent, answers) == (3, (), [])


def test_a_process_that_died_holds_no_fault(testbed: FakeTestbed, target: LocalTarget) -> None:
    testbed.die("payments/1")
    assert target.heal().silent == ()


def test_a_survey_shows_what_is_in_force_and_what_has_ended_with_its_counts(testbed: FakeTestbed, target: LocalTarget) -> None:
    target.inject(Place("payments", 1), Abort(), lease_ms=30_000)
    list(testbed.services["payments/1"].table.draw(None))
    target.heal()
    target.inject(EDGE, Hang(), lease_ms=30_000)
    target.disturb(Place("gateway"), "kill", lease_ms=30_000)
    survey = target.survey()
    assert [(placed.instance, str(placed.lease.fault)) for placed in survey.leases] == [
        ("orders/1", "hang"),
        ("orders/2", "hang"),
    ]
    assert [(placed.instance, placed.lease.seen, placed.lease.injected) for placed in survey.ended] == [("payments/1", 1, 1)]
    assert [lease.instance for lease in survey.status.leases] == ["gateway/1"]


def test_a_survey_names_who_is_silent_and_does_not_ask_who_is_paused(testbed: FakeTestbed, target: LocalTarget) -> None:
    testbed.silence("payments/1")
    testbed.silence("payments/2")
    target.disturb(Place("payments", 2), "pause", lease_ms=30_000)
    assert target.survey().silent == ("payments/1",)


def test_a_token_of_another_run_is_noticed(testbed: FakeTestbed, target: LocalTarget) -> None:
    RunFolder(testbed.state).write_secrets(Secrets.generate())
    for ask in (target.heal, target.survey, lambda: target.inject(PAYMENTS, Abort(), lease_ms=1_000)):
        with pytest.raises(TargetError, match="serves no faults, or was started with another chaos token"):
            ask()
    assert testbed.faults() == {}


def test_a_process_that_serves_no_faults_does_not_stop_the_healing_of_the_rest(testbed: FakeTestbed, target: LocalTarget) -> None:
    assert "telemetry/1" in testbed.services
    target.inject(PAYMENTS, Abort(), lease_ms=30_000)
    assert target.heal().healed == 2
    with pytest.raises(TargetError, match="telemetry/1 serves no faults"):
        target.heal(Place("telemetry"))


def test_missing_secrets_are_named(testbed: FakeTestbed, target: LocalTarget) -> None:
    RunFolder(testbed.state).secrets_file.unlink()
    with pytest.raises(TargetError, match=r"secrets\.json cannot be read"):
        target.heal()


def test_without_a_testbed_every_question_says_so(tmp_path: Path) -> None:
    target = LocalTarget(tmp_path)
    for ask in (target.heal, target.survey, lambda: target.inject(PAYMENTS, Abort(), lease_ms=1_000)):
        with pytest.raises(NotRunningError, match="no testbed runs"):
            ask()
