import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from observability.trace_options import TracePath
from services.registry import InstanceState, Registry
from testbed.control import (
    ControlError,
    HealRequest,
    NotRunningError,
    ProcessFaultRequest,
    RestartRequest,
    SystemStatus,
    ask,
    socket_path,
    status,
)
from testbed.launch import LaunchOptions, launch, running_supervisor, stop
from testbed.run import RunFolder
from tests.testbed.processes import eventually, process_state, processes_of

pytestmark = pytest.mark.system

Small = Callable[..., LaunchOptions]


def pids(system: SystemStatus) -> dict[str, int]:
    return {instance.name: instance.pid for instance in system.instances}


def states(folder: Path) -> dict[str, InstanceState]:
    return {instance.name: instance.state for instance in status(folder).instances}


def kill(service: str, lease_ms: float, replica: int | None = None) -> ProcessFaultRequest:
    return ProcessFaultRequest(kind="kill", service=service, replica=replica, lease_ms=lease_ms)


def pause(service: str, lease_ms: float, replica: int | None = None) -> ProcessFaultRequest:
    return ProcessFaultRequest(kind="pause", service=service, replica=replica, lease_ms=lease_ms)


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_a_system_starts_tells_where_it_is_and_stops_without_a_trace(small_system: Small, way: str) -> None:
    options = small_system(spawn=way == "spawn", run_id="r1", tracing=TracePath.LEAN, trace_ratio=0.5)
    reports: list[tuple[int, int]] = []
    system = launch(options, progress=lambda report: reports.append((report.up, report.total)))
    assert (system.phase, system.run_id, set(states(options.state).values())) == ("ready", "r1", {InstanceState.UP})
    assert (system.tracing, system.trace_ratio) == ("lean", 0.5)
    assert reports[-1] == (4, 4)
    registry = Registry.read(RunFolder(options.state).registry)
    assert {instance.name: instance.pid for instance in registry.instances} == pids(system)
    listed = {
        group["labels"]["instance"]: group["targets"]
        for group in json.loads((options.state / "targets/system.json").read_bytes())
    }
    assert listed.pop("testbed/1") != []
    assert listed == {instance.name: [f"127.0.0.1:{instance.port}"] for instance in registry.instances}
    assert system.addresses["shop"] == registry.up("shop")[0].base_url
    assert socket_path(options.state).stat().st_mode & 0o777 == 0o600
    assert b"begins" in (options.state / "logs" / "stock-2.jsonl").read_bytes()
    stop(options.state)
    assert processes_of(options.state) == []
    assert {path.name for path in options.state.rglob("*") if path.suffix in (".sock", ".json")} == {"secrets.json"}


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_nothing_outlives_a_killed_supervisor_not_even_what_is_paused(small_system: Small, way: str) -> None:
    options = small_system(spawn=way == "spawn")
    system = launch(options)
    ask(options.state, pause("stock", 60_000, replica=1))
    ask(options.state, kill("stock", 60_000, replica=2))
    assert eventually(lambda: process_state(pids(system)["stock/1"]) == "T")
    os.kill(system.supervisor_pid, signal.SIGKILL)
    assert eventually(lambda: processes_of(options.state) == [])
    with pytest.raises(NotRunningError):
        status(options.state)
    assert running_supervisor(options.state) is None
    again = launch(options)  # What the dead one left is cleared away.
    assert set(states(options.state).values()) == {InstanceState.UP}
    assert again.leases == ()


def test_a_lease_ends_by_itself_when_whoever_asked_is_gone(small_system: Small) -> None:
    options = small_system()
    before = pids(launch(options))
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(socket_path(options.state)))
        connection.sendall(kill("stock", 200, replica=1).model_dump_json().encode() + b"\n")
    assert eventually(lambda: states(options.state)["stock/1"] is InstanceState.DOWN)
    assert eventually(lambda: states(options.state)["stock/1"] is InstanceState.UP)
    assert pids(status(options.state))["stock/1"] != before["stock/1"]
    assert status(options.state).leases == ()


def test_a_paused_process_goes_on_when_its_lease_ends(small_system: Small) -> None:
    options = small_system()
    pid = pids(launch(options))["stock/1"]
    ask(options.state, pause("stock", 200, replica=1))
    assert eventually(lambda: process_state(pid) == "T")
    assert eventually(lambda: process_state(pid) in ("R", "S"))
    assert pids(status(options.state))["stock/1"] == pid


def test_heal_repairs_everything_and_keeps_the_ports(small_system: Small) -> None:
    options = small_system()
    ports = {instance.name: instance.port for instance in launch(options).instances}
    ask(options.state, kill("shop", 60_000))
    ask(options.state, pause("stock", 60_000))
    assert ask(options.state, HealRequest()).healed == 3
    assert eventually(lambda: set(states(options.state).values()) == {InstanceState.UP})
    assert {instance.name: instance.port for instance in status(options.state).instances} == ports


def test_a_restart_replaces_every_replica_of_a_service_but_none_under_a_fault(small_system: Small) -> None:
    options = small_system()
    before = pids(launch(options))
    ask(options.state, RestartRequest(service="stock"))
    after = pids(status(options.state))
    assert {name for name in before if before[name] != after[name]} == {"stock/1", "stock/2"}
    ask(options.state, pause("stock", 60_000, replica=2))
    with pytest.raises(ControlError, match="a fault is in force on stock/2; end it first: chaos heal"):
        ask(options.state, RestartRequest(service="stock"))


def test_the_store_is_no_target_of_faults(small_system: Small) -> None:
    options = small_system()
    launch(options)
    with pytest.raises(ControlError, match="telemetry is the instrument"):
        ask(options.state, kill("telemetry", 1_000))


def test_a_killed_parent_of_all_processes_is_replaced_and_so_are_they(small_system: Small) -> None:
    options = small_system()
    before = pids(launch(options))
    parent = int(Path(f"/proc/{before['stock/1']}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(parent, signal.SIGKILL)
    assert eventually(lambda: set(states(options.state).values()) == {InstanceState.UP} and pids(status(options.state)) != before)


def test_a_second_start_in_the_same_folder_is_refused_and_harms_nobody(small_system: Small) -> None:
    options = small_system()
    before = pids(launch(options))
    with pytest.raises(ControlError, match=r"a testbed already runs in .*state \(process \d+\)"):
        launch(options)
    assert pids(status(options.state)) == before


def test_a_folder_whose_path_is_too_long_for_a_socket_works_as_well(small_system: Small, tmp_path: Path) -> None:
    options = small_system(state=tmp_path / ("deep" * 20) / ("deeper" * 10))
    launch(options)
    assert socket_path(options.state).parent != options.state
    stop(options.state)
    assert not socket_path(options.state).exists()


def test_a_process_that_keeps_ending_stops_the_start_with_its_last_words(
    small_system: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKEN", "yes")
    options = small_system()
    with pytest.raises(ControlError, match=r"cannot be kept running: exit status 1\nlast line of .*jsonl: a part is missing"):
        launch(options)
    assert eventually(lambda: processes_of(options.state) == [])


def test_a_module_that_does_not_exist_stops_the_start_at_once(small_system: Small, tmp_path: Path) -> None:
    topology = tmp_path / "wrong.yaml"
    topology.write_text("services: {shop: {module: no_such_shop, entry: true}}")
    with pytest.raises(ControlError, match="module no_such_shop cannot be imported: ModuleNotFoundError"):
        launch(small_system(topology=topology))


def test_a_folder_that_cannot_be_written_is_named(small_system: Small, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ControlError, match=r"file/state: Not a directory"):
        launch(small_system(state=tmp_path / "file" / "state"))


def test_ctrl_c_while_starting_stops_what_has_started(small_system: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENT", "yes")
    options = small_system()
    arguments = ["up", "--state", str(options.state), "--topology", str(options.topology), "--free-ports"]
    with subprocess.Popen([sys.executable, "-m", "testbed.cli", *arguments], stderr=subprocess.PIPE) as command:
        assert eventually(lambda: any(b"begins" in log.read_bytes() for log in options.state.glob("logs/stock-*.jsonl")))
        command.send_signal(signal.SIGINT)
        _out, complaint = command.communicate(timeout=30)
    assert (command.returncode, complaint.strip()) == (130, b"testbed: interrupted")
    assert processes_of(options.state) == []


def test_a_system_that_is_to_die_with_its_launcher_does_so_even_if_that_is_killed(small_system: Small, tmp_path: Path) -> None:
    options = small_system()
    launcher = tmp_path / "launcher.py"
    launcher.write_text(
        "import sys, time\nfrom pathlib import Path\nfrom testbed.launch import LaunchOptions, launch\n"
        "launch(LaunchOptions(state=Path(sys.argv[1]), topology=Path(sys.argv[2]), free_ports=True, die_with_parent=True))\n"
        "print('ready', flush=True)\ntime.sleep(60)\n"
    )
    arguments = [sys.executable, str(launcher), str(options.state), str(options.topology)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.kill()
    assert eventually(lambda: processes_of(options.state) == [])


def test_a_load_whose_command_was_killed_is_a_target_no_longer(small_system: Small) -> None:
    options = small_system()
    launch(options)
    code = "import sys, time; from pathlib import Path; from testbed.load_target import load_target\n"
    code += "with load_target(Path(sys.argv[1])): print('told', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, options.state / "targets"], stdout=subprocess.PIPE, text=True) as load:
        target = options.state / "targets" / f"load-{load.pid}.json"
        assert load.stdout is not None
        assert load.stdout.readline() == "told\n"
        assert target.exists()
        load.kill()
    assert eventually(lambda: not target.exists(), 15)
