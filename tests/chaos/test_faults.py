"""What a request fault is, and what each kind does to one request."""

import math
from typing import get_args

import pytest
from pydantic import ValidationError

from chaos import screen
from chaos.experiment.fault_plan import RequestFaultPlan
from chaos.faults import FAULT, KINDS, Abort, AnyFault, Error, Hang, Latency, Partition
from chaos.faults.errors import InjectedAbort, InjectedError


class FakeHold:
    """Notes what a fault waits for; draws the upper end."""

    def __init__(self) -> None:
        self.waited_ms: list[float] = []

    async def wait(self, duration_ms: float) -> None:
        self.waited_ms.append(duration_ms)

    async def wait_for_end(self) -> None:
        self.waited_ms.append(math.inf)

    def uniform(self, low: float, high: float) -> float:
        assert low <= high
        return high


def test_every_kind_survives_the_way_to_json_and_back() -> None:
    faults: list[AnyFault] = [Latency(latency_ms=300, jitter_ms=50), Error(status=429), Abort(), Hang(), Partition()]
    assert {type(fault) for fault in faults} == set(KINDS)
    for fault in faults:
        assert FAULT.validate_json(FAULT.dump_json(fault)) == fault


def test_every_kind_has_a_command_and_can_be_put_to_the_test() -> None:
    kinds = {str(kind.model_fields["kind"].default) for kind in KINDS}
    planned = {get_args(plan.model_fields["kind"].annotation)[0] for plan in get_args(RequestFaultPlan)}
    assert kinds == planned == set(screen._COMMANDS)


def test_every_kind_says_in_words_what_it_does() -> None:
    assert str(Latency(latency_ms=300, jitter_ms=50)) == "latency 300 ms ± 50 ms"
    assert [str(fault) for fault in (Latency(latency_ms=0.5), Error(), Abort(), Hang(), Partition())] == [
        "latency 0.5 ms",
        "error 503",
        "abort",
        "hang",
        "partition",
    ]
    assert all(kind.summary for kind in KINDS)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"kind": "latency"}, "latency_ms"),
        ({"kind": "latency", "latency_ms": 0}, "latency_ms"),
        ({"kind": "latency", "latency_ms": -1}, "latency_ms"),
        ({"kind": "latency", "latency_ms": 600_001}, "latency_ms"),
        ({"kind": "latency", "latency_ms": float("nan")}, "latency_ms"),
        ({"kind": "latency", "latency_ms": 100, "jitter_ms": 101}, "jitter"),
        ({"kind": "error", "status": 200}, "status"),
        ({"kind": "error", "status": 600}, "status"),
        ({"kind": "abort", "status": 503}, "status"),
        ({"kind": "hang", "latency_ms": 5}, "latency_ms"),
        ({"kind": "gremlin"}, "gremlin"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(settings: dict[str, object], key: str) -> None:
    with pytest.raises(ValidationError, match=key):
        FAULT.validate_python(settings)


async def test_latency_waits_its_time_and_lets_the_request_go_on() -> None:
    hold = FakeHold()
    await Latency(latency_ms=300, jitter_ms=50).apply(hold)
    assert hold.waited_ms == [350]


@pytest.mark.parametrize("fault", [Hang(), Partition()])
async def test_what_lasts_as_long_as_its_lease_waits_for_the_end_of_it(fault: AnyFault) -> None:
    hold = FakeHold()
    await fault.apply(hold)
    assert hold.waited_ms == [math.inf]


async def test_error_answers_with_its_status_at_once() -> None:
    hold = FakeHold()
    with pytest.raises(InjectedError) as caught:
        await Error(status=429).apply(hold)
    assert (caught.value.status, hold.waited_ms) == (429, [])


async def test_abort_is_handled_by_code_that_handles_a_real_reset() -> None:
    with pytest.raises(ConnectionResetError) as caught:
        await Abort().apply(FakeHold())
    assert isinstance(caught.value, InjectedAbort)


def test_only_a_fault_that_lasts_as_long_as_its_lease_outlasts_the_caller() -> None:
    assert [kind for kind in KINDS if kind.outlasts_caller] == [Hang, Partition]
