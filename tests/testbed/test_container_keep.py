"""What process 1 of a container does, as an ordinary process of this machine that keeps a small shop."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.registry import InstanceState
from testbed.container.places import CONTROL, JOURNAL
from testbed.control import ControlError, DownRequest, HealRequest, ProcessFaultRequest, RestartRequest, SystemStatus, ask, status
from testbed.ports import free_port
from tests.testbed.conftest import SERVICE
from tests.testbed.processes import eventually, process_state

pytestmark = pytest.mark.system

MAP = "services:\n  shop: {module: small_shop, port: 8080, entry: true}\n"
KEEP = "import sys; from pathlib import Path; from testbed.container.keep import main; sys.exit(main(Path(sys.argv[1])))"


class Kept:
    """Process 1, its folder, and what it printed."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.process = process

    @property
    def status(self) -> SystemStatus:
        return status(self.folder)

    @property
    def pid(self) -> int:
        return self.status.instances[0].pid

    @property
    def is_up(self) -> bool:
        return (self.folder / CONTROL).exists() and self.status.instances[0].state is InstanceState.UP

    def fault(self, kind: str, lease_ms: float) -> None:
        ask(self.folder, ProcessFaultRequest.model_validate({"kind": kind, "service": "shop", "lease_ms": lease_ms}))

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in (self.folder / JOURNAL).read_text().splitlines()]

    def end(self) -> tuple[int, float]:
        """Exit code, and the seconds that it took."""
        began = time.monotonic()
        self.process.terminate()
        return self.process.wait(10), time.monotonic() - began


Keep = Callable[..., Kept]


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Keep]:
    """Starts process 1; what still runs in the end is killed."""
    (tmp_path / "small_shop.py").write_text(textwrap.dedent(SERVICE))
    (tmp_path / "map.yaml").write_text(MAP)
    (tmp_path / "run").mkdir()
    started: list[subprocess.Popen[bytes]] = []

    def start(**changed: str) -> Kept:
        port = str(free_port())
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FIREBREAK_")} | {
            "PYTHONPATH": str(tmp_path), "FIREBREAK_TOPOLOGY": str(tmp_path / "map.yaml"), "FIREBREAK_SERVICE": "shop",
            "FIREBREAK_REPLICA": "1", "FIREBREAK_PORT": port, "FIREBREAK_ADDRESSES": "http://{service}-{replica}:8080",
            "FIREBREAK_INTERNAL_TOKEN": "a", "FIREBREAK_CHAOS_TOKEN": "b", "FIREBREAK_SIGNING_KEY": "c",
        } | changed  # fmt: skip
        with (tmp_path / "output").open("ab") as output:
            command = [sys.executable, "-c", KEEP, str(tmp_path / "run")]
            started.append(subprocess.Popen(command, env=environment, stdout=output, stderr=output))
        return Kept(tmp_path / "run", started[-1])

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_it_tells_who_runs_where_and_ends_with_it_when_it_is_told_to(keep: Keep) -> None:
    kept = keep(FIREBREAK_RUN_ID="r1")
    assert eventually(lambda: kept.is_up, 30)
    told = kept.status
    (instance,) = told.instances
    assert (told.run_id, told.phase, told.supervisor_pid) == ("r1", "ready", kept.process.pid)
    assert (instance.name, instance.base_url) == ("shop/1", "http://shop-1:8080")
    code, took_s = kept.end()
    assert (code, process_state(instance.pid)) == (0, "")
    assert took_s < 3
    assert not (kept.folder / CONTROL).exists()


def test_a_pause_ends_with_its_lease_though_whoever_asked_for_it_is_dead(keep: Keep) -> None:
    kept = keep()
    assert eventually(lambda: kept.is_up, 30)
    pid = kept.pid
    request = ProcessFaultRequest(kind="pause", service="shop", lease_ms=1_000).model_dump_json()
    code = f"import sys; from testbed.container.asking import main; main({str(kept.folder)!r}); sys.stdin.read()"
    asker = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with asker:
        assert asker.stdin is not None
        asker.stdin.write(request.encode() + b"\n")
        asker.stdin.flush()
        assert eventually(lambda: process_state(pid) == "T")
        asker.kill()
    assert [lease.kind for lease in kept.status.leases] == ["pause"]
    assert eventually(lambda: process_state(pid) != "T")
    assert (kept.pid, kept.status.leases) == (pid, ())


def test_a_kill_holds_it_down_until_somebody_heals_it(keep: Keep) -> None:
    kept = keep()
    assert eventually(lambda: kept.is_up, 30)
    pid = kept.pid
    kept.fault("kill", 60_000)
    assert eventually(lambda: kept.status.instances[0].state is InstanceState.DOWN)
    with pytest.raises(ControlError, match="a fault is in force on shop/1"):
        ask(kept.folder, RestartRequest(service="shop"))
    assert ask(kept.folder, HealRequest()).healed == 1
    assert eventually(lambda: kept.is_up, 30)
    assert kept.pid != pid


def test_a_replica_that_was_killed_behind_its_back_is_started_again(keep: Keep) -> None:
    kept = keep()
    assert eventually(lambda: kept.is_up, 30)
    first = kept.pid
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: kept.is_up and kept.pid != first)
    assert kept.events() == ["start", "ready", "exit", "restart", "start", "ready"]


def test_a_replica_outlives_the_process_that_it_was_forked_by_in_a_successor(keep: Keep) -> None:
    kept = keep()
    assert eventually(lambda: kept.is_up, 30)
    first = kept.pid
    parent = int(Path(f"/proc/{first}/stat").read_text().rpartition(")")[2].split()[1])
    assert parent != kept.process.pid
    os.kill(parent, signal.SIGKILL)
    assert eventually(lambda: kept.pid not in (0, first) and kept.is_up, 30)
    assert process_state(first) in ("", "Z")  # Whoever takes in orphans of this machine is in no hurry.


def test_a_restart_answers_once_the_new_process_is_ready(keep: Keep) -> None:
    kept = keep()
    assert eventually(lambda: kept.is_up, 30)
    first = kept.pid
    (instance,) = ask(kept.folder, RestartRequest(service="shop", replica=1)).status.instances  # type: ignore[union-attr]  # a success has one
    assert instance.state is InstanceState.UP
    assert instance.pid not in (0, first)


def test_the_replica_of_another_container_is_not_its_business(keep: Keep) -> None:
    kept = keep()
    assert eventually(lambda: kept.is_up, 30)
    for request in (RestartRequest(service="stock"), ProcessFaultRequest(kind="kill", service="shop", replica=2, lease_ms=1)):
        with pytest.raises(ControlError, match=r"unknown .*; allowed: shop"):
            ask(kept.folder, request)
    with pytest.raises(ControlError, match="stopped from outside: docker compose stop shop-1"):
        ask(kept.folder, DownRequest())
    assert kept.is_up


def test_a_paused_replica_ends_with_it_as_well(keep: Keep) -> None:
    kept = keep()
    assert eventually(lambda: kept.is_up, 30)
    pid = kept.pid
    kept.fault("pause", 60_000)
    code, took_s = kept.end()
    assert (code, process_state(pid)) == (0, "")
    assert took_s < 3


def test_its_sudden_end_is_the_replica_s_as_well(keep: Keep) -> None:
    kept = keep()
    assert eventually(lambda: kept.is_up, 30)
    pid = kept.pid
    kept.fault("pause", 60_000)
    kept.process.kill()
    assert eventually(lambda: process_state(pid) == "")


def test_a_replica_that_cannot_be_kept_running_ends_it_with_the_reason(keep: Keep, tmp_path: Path) -> None:
    kept = keep(BROKEN="yes")
    assert kept.process.wait(30) == 1
    said = (tmp_path / "output").read_text()
    assert "a part is missing" in said
    assert said.endswith("shop/1 cannot be kept running: exit status 1\n")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"FIREBREAK_INTERNAL_TOKEN": ""},
            "FIREBREAK_INTERNAL_TOKEN: not set, and a service in a container needs it; see: compose.yaml\n",
        ),
        ({"FIREBREAK_TOPOLOGY": "/nowhere.yaml"}, "/nowhere.yaml"),
        ({"FIREBREAK_SERVICE": "kitchen"}, "has no kitchen/1; allowed: shop/1\n"),
    ],
)
def test_what_it_is_told_wrong_ends_it_with_one_line(changed: dict[str, str], said: str, keep: Keep, tmp_path: Path) -> None:
    assert keep(**changed).process.wait(30) == 2
    lines = (tmp_path / "output").read_text()
    assert said in lines
    assert lines.count("\n") == 1


def test_a_folder_that_it_cannot_use_ends_it_with_its_name(keep: Keep, tmp_path: Path) -> None:
    (tmp_path / "run").rmdir()
    assert keep().process.wait(30) == 2
    assert str(tmp_path / "run") in (tmp_path / "output").read_text()


def test_garbage_and_many_at_once_are_answered_and_do_no_harm(keep: Keep) -> None:
    kept = keep()
    assert eventually(lambda: kept.is_up, 30)
    connections = []
    for garbage in (b"\xff\xfe\n", b"{}\n", b'{"op": "sta', b"[" * 100_000 + b"\n", b'{"op": "status", "op": 1}\n'):
        connections.append(socket.socket(socket.AF_UNIX))
        connections[-1].connect(str(kept.folder / CONTROL))
        connections[-1].sendall(garbage)
    kept.fault("pause", 300)
    kept.fault("pause", 600)
    assert len(kept.status.leases) == 2
    assert [b"bad request" in connection.recv(10_000) for connection in connections[:2]] == [True, True]
    for connection in connections:
        connection.close()
    assert eventually(lambda: not kept.status.leases and kept.is_up)


def test_orphans_of_others_are_collected(tmp_path: Path) -> None:
    code = """
import ctypes, os, sys, time
from testbed.container.reaper import reap_strangers
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: as process 1 is by itself.
own = os.posix_spawn("/bin/true", ["true"], {})
if os.fork() == 0:
    os.posix_spawn("/bin/true", ["true"], {})
    os._exit(0)
deadline = time.monotonic() + 30
count = reaped_before_own = 0
while count < 2 and time.monotonic() < deadline:
    count += reap_strangers(())  if own is None else reap_strangers((own,))
    if own is not None and time.monotonic() > deadline - 29:
        os.waitpid(own, 0)
        own = None
    time.sleep(0.01)
print(count)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "2\n"
