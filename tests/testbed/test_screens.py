import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from observability.trace_options import TracePath
from services.policy import Profile
from services.registry import Instance, InstanceState
from services.topology import default_topology_path
from testbed.control import ProcessLease, ProgramStatus, SystemStatus
from testbed.launch import LaunchOptions
from testbed.run import CURRENT, RunFolder
from testbed.screens import describe_difference, print_status, print_up


def instance(service: str, replica: int, state: InstanceState = InstanceState.UP) -> Instance:
    return Instance(service=service, replica=replica, host="127.0.0.1", port=40_001, pid=4_711, state=state)


PROMETHEUS = ProgramStatus(name="prometheus", state=InstanceState.UP, address="http://127.0.0.1:9090", pid=5_000)
SYSTEM = SystemStatus(
    run_id="up-1",
    phase="ready",
    profile="declared",
    topology=str(default_topology_path()),
    data=str(RunFolder(CURRENT).data.absolute()),
    started_at=0,
    supervisor_pid=1,
    instances=(
        instance("telemetry", 1),
        instance("gateway", 1),
        instance("orders", 1, InstanceState.DOWN),
        instance("orders", 2),
        instance("deliveries", 1),
    ),
    addresses={"gateway": "http://127.0.0.1:8080", "traces": "http://127.0.0.1:16686"},
    otlp_endpoint="http://127.0.0.1:4318",
    stack=(PROMETHEUS,),
    leases=(
        ProcessLease(id="k", kind="kill", instance="orders/1", granted_at=0, remaining_ms=1_000, source="chaos kill"),
        ProcessLease(id="l", kind="kill", instance="orders/1", granted_at=0, remaining_ms=9_000, source="an experiment"),
        ProcessLease(id="p", kind="pause", instance="orders/2", granted_at=0, remaining_ms=2_000, source="chaos pause"),
    ),
)


@pytest.fixture(params=[80, 120])
def out(request: pytest.FixtureRequest) -> Console:
    return Console(file=io.StringIO(), width=request.param)


def printed(out: Console) -> str:
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_what_was_started_is_shown_with_addresses_and_what_to_try_next(out: Console) -> None:
    print_up(out, SYSTEM, CURRENT, took_s=0.93)
    text = printed(out)
    assert "5 processes are up after 0.9 s, profile declared." in text
    for line in ("http://127.0.0.1:8080", "http://127.0.0.1:16686", "chaos kill deliveries", "testbed load --ui", "testbed down"):
        assert line in text


def test_every_process_is_shown_with_its_state_and_the_fault_that_lasts_longest(out: Console) -> None:
    print_status(out, SYSTEM, "testbed logs SERVICE")
    lines = {line.split()[0]: line for line in printed(out).splitlines() if "/" in line}
    assert "down" in lines["orders/1"]
    assert "kill, 9.0 s left" in lines["orders/1"]
    assert "paused" in lines["orders/2"]
    assert lines["gateway/1"].split() == ["gateway/1", "up", "http://127.0.0.1:40001", "4711"]


def test_no_line_is_wider_than_the_screen_or_holds_colour_when_it_is_none(out: Console) -> None:
    print_up(out, SYSTEM, CURRENT, took_s=None)
    print_status(out, SYSTEM, "testbed logs SERVICE")
    assert max(map(len, printed(out).splitlines())) <= out.width
    assert "\x1b" not in printed(out)


def test_a_process_that_is_down_without_a_fault_comes_with_the_way_to_its_reason(out: Console) -> None:
    print_status(out, SYSTEM.model_copy(update={"leases": ()}), "testbed logs SERVICE --state elsewhere")
    assert "Why one is down: testbed logs SERVICE --state elsewhere" in printed(out)


def test_commands_for_a_system_elsewhere_name_its_folder(out: Console) -> None:
    print_up(out, SYSTEM, Path("elsewhere"), took_s=1)
    assert "testbed down --state elsewhere" in printed(out)


def test_a_start_tells_what_is_unusual_of_the_programs_beside_it_and_each_status_that_they_run(out: Console) -> None:
    noted = SYSTEM.model_copy(update={"stack": (PROMETHEUS.model_copy(update={"note": "port 9090 is taken"}),)})
    print_up(out, noted, CURRENT, took_s=1)
    assert "prometheus: port 9090 is taken" in printed(out)
    print_status(out, SYSTEM, "testbed logs SERVICE")
    lines = {line.split()[0]: line for line in printed(out).splitlines() if line.strip()}
    assert lines["prometheus"].split() == ["prometheus", "up", "http://127.0.0.1:9090", "5000"]


def test_another_map_is_not_offered_feastfast_s_load(out: Console) -> None:
    print_up(out, SYSTEM.model_copy(update={"topology": "/shop.yaml"}), CURRENT, took_s=1)
    assert "testbed load" not in printed(out)


def test_a_system_that_sends_its_telemetry_elsewhere_says_where(out: Console) -> None:
    print_up(out, SYSTEM.model_copy(update={"collector": "http://collector:4318"}), CURRENT, took_s=1)
    assert "Spans and logs go to http://collector:4318; the page of traces has none of them." in printed(out)


DATABASE = "postgresql://admin:geheim@db:5433/feast"


def test_a_running_system_differs_by_map_profile_and_switches() -> None:
    wanted = LaunchOptions(
        state=CURRENT, profile=Profile.NONE, without=("retry",), topology=Path("/shop.yaml"), database=DATABASE, stack=False
    )
    wanted = replace(wanted, tracing=TracePath.LEAN, trace_ratio=0.1, otlp="http://collector:4318")
    assert describe_difference(SYSTEM, LaunchOptions(state=CURRENT)) == ""
    assert describe_difference(SYSTEM, wanted).split(", ") == [
        f"topology {default_topology_path()} instead of /shop.yaml",
        f"data {RunFolder(CURRENT).data.absolute()} instead of postgresql://db:5433/feast",
        "profile declared instead of none",
        "without nothing instead of retry",
        "tracing default instead of lean",
        "trace ratio 1 instead of 0.1",
        "stack on instead of off",
        "collector nothing instead of http://collector:4318",
    ]
