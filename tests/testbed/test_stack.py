"""Real Prometheus and Alertmanager beside a small system: watched, killed, missing and mad. The system works whatever they do."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testbed.control import HealRequest, ProcessFaultRequest, ProgramStatus, ask, status
from testbed.launch import LaunchOptions, launch, stop
from testbed.leash import MAX_FILE_BYTES
from tests.testbed.processes import eventually, processes_of
from tests.watched import Watched, watched
from tests.watched import ask as http

pytestmark = [pytest.mark.system, pytest.mark.server, pytest.mark.usefixtures("stack_on")]

Small = Callable[..., LaunchOptions]


@pytest.fixture
def small(small_system: Small) -> Iterator[Watched]:
    """The small system, scraped once."""
    options = small_system()
    with watched(options.state, users=0, topology=options.topology) as system:
        yield system


def programs(state: Path) -> dict[str, ProgramStatus]:
    return {program.name: program for program in status(state).stack}


def fault(kind: str, service: str, replica: int) -> ProcessFaultRequest:
    return ProcessFaultRequest.model_validate({"kind": kind, "service": service, "replica": replica, "lease_ms": 60_000})


def fake(folder: Path, name: str, script: str) -> None:
    """A program on the PATH that is a script."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)


def test_every_process_is_scraped_under_its_name_and_faults_show_where_they_act(small: Watched) -> None:
    labels = [{key: series.labels.get(key, "") for key in ("job", "service", "instance")} for series in small.query("up")]
    assert sorted(labels, key=lambda each: each["instance"]) == [
        {"job": "feastfast", "service": "shop", "instance": "shop/1"},
        {"job": "feastfast", "service": "stock", "instance": "stock/1"},
        {"job": "feastfast", "service": "stock", "instance": "stock/2"},
        {"job": "telemetry", "service": "telemetry", "instance": "telemetry/1"},
        {"job": "testbed", "service": "", "instance": "testbed/1"},
    ]
    known = http(small.prometheus, "/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
    assert [each["url"] for each in known] == [f"{small.alertmanager}/api/v2/alerts"]

    ask(small.state, fault("pause", "stock", 1))
    ask(small.state, fault("kill", "stock", 2))
    small.eventually(
        lambda: small.up() == {"shop/1": True, "stock/1": False, "stock/2": False, "telemetry/1": True, "testbed/1": True}
    )
    acting = {(series.labels["fault"], series.labels["place"]): series.value for series in small.query("chaos_active_faults")}
    assert acting == {("pause", "stock"): 1, ("kill", "stock"): 1}
    stock = {series.labels["state"]: series.value for series in small.query('testbed_replicas{service="stock"}')}
    assert stock == {"up": 0, "starting": 0, "down": 1, "paused": 1}

    ask(small.state, HealRequest())
    small.eventually(small.is_scraped)
    small.eventually(lambda: [series.value for series in small.query('testbed_restarts_total{service="stock"}')] == [1])


def test_a_killed_prometheus_comes_back_where_it_was_with_what_it_knew(small: Watched) -> None:
    before = programs(small.state)["prometheus"]
    os.kill(before.pid, signal.SIGKILL)
    assert eventually(lambda: (now := programs(small.state)["prometheus"]).state == "up" and now.pid != before.pid)
    assert programs(small.state)["prometheus"].address == before.address
    assert small.query("count_over_time(up[1m])") != []
    assert status(small.state).phase == "ready"


def test_the_stack_ends_with_a_killed_supervisor(small_system: Small) -> None:
    options = small_system()
    system = launch(options)
    assert {program.state for program in system.stack if program.name != "grafana"} <= {"up", "starting"}
    os.kill(system.supervisor_pid, signal.SIGKILL)
    assert eventually(lambda: processes_of(options.state) == [])


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_down_leaves_nothing_even_of_a_stopped_program(small_system: Small, way: str) -> None:
    options = small_system(spawn=way == "spawn")
    launch(options)
    os.kill(programs(options.state)["alertmanager"].pid, signal.SIGSTOP)
    stop(options.state)
    assert processes_of(options.state) == []


def test_two_systems_have_a_stack_each(small_system: Small, tmp_path: Path) -> None:
    states = [tmp_path / name for name in ("one", "two")]
    addresses = [launch(small_system(state=state)).addresses for state in states]
    assert len({system[name] for system in addresses for name in ("prometheus", "alertmanager")}) == 4


def test_whoever_wants_no_stack_gets_none(small_system: Small) -> None:
    system = launch(small_system(stack=False))
    assert system.stack == ()
    assert set(system.addresses) == {"shop", "traces"}


def test_a_machine_without_the_programs_runs_the_system_all_the_same(
    small_system: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    system = launch(small_system())
    assert system.phase == "ready"
    assert {program.state for program in system.stack} == {"missing"}


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("exec yes garbage", "cannot be kept running: exit status 1\nlast line of "),
        ("echo 'unknown long flag' >&2; exit 2", "cannot be kept running: exit status 2\nlast line of "),
    ],
)
def test_a_program_that_is_none_costs_nothing_but_a_sentence(
    small_system: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, sentence: str
) -> None:
    fake(tmp_path / "bin", "prometheus", f"#!/bin/sh\n{script}\n")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    options = small_system()
    assert launch(options).phase == "ready"
    assert eventually(lambda: programs(options.state)["prometheus"].note.startswith(sentence))
    assert status(options.state).phase == "ready"
    assert "prometheus" not in status(options.state).addresses
    assert programs(options.state)["alertmanager"].state == "up"
    assert (options.state / "stack" / "prometheus" / "log").stat().st_size <= MAX_FILE_BYTES


FAKE_GRAFANA = """#!{python}
import configparser, http.server, json, os, pathlib, sys
folder = pathlib.Path(sys.argv[1].removeprefix("--config=")).parent
record = {{"arguments": sys.argv[1:], "environment": dict(os.environ), "files": sorted(map(str, folder.rglob("*")))}}
pathlib.Path({record!r}).write_text(json.dumps(record))
settings = configparser.ConfigParser(interpolation=None)
settings.read_string("[top]\\n" + (folder / "grafana.ini").read_text())

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()

address = settings["server"]["http_addr"], int(settings["server"]["http_port"])
http.server.HTTPServer(address, Handler).serve_forever()
"""


def test_grafana_is_started_with_its_files_and_nothing_of_the_caller_s_settings(
    small_system: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "record.json"
    fake(tmp_path / "bin", "grafana-server", FAKE_GRAFANA.format(python=sys.executable, record=str(record)))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("GF_SERVER_HTTP_ADDR", "0.0.0.0")  # noqa: S104 - what must not have an effect
    options = small_system()
    launch(options)
    assert eventually(lambda: programs(options.state)["grafana"].state == "up")
    told = json.loads(record.read_bytes())
    folder = options.state / "stack" / "grafana"
    assert told["arguments"][0] == f"--config={folder}/grafana.ini"
    assert not any(name.startswith(("GF_", "FIREBREAK_")) for name in told["environment"])
    assert f"{folder}/provisioning/datasources/firebreak.yaml" in told["files"]
    assert status(options.state).addresses["grafana"] == programs(options.state)["grafana"].address


def test_ctrl_c_while_starting_leaves_no_program_behind(small_system: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENT", "yes")
    options = small_system()
    arguments = ["up", "--state", str(options.state), "--topology", str(options.topology), "--free-ports"]
    with subprocess.Popen([sys.executable, "-m", "testbed.cli", *arguments], stderr=subprocess.PIPE) as command:
        try:
            assert eventually(lambda: any("--storage.tsdb.path" in line for line in processes_of(options.state)))
        finally:  # Otherwise it would be waited for until it gives up by itself.
            command.send_signal(signal.SIGINT)
        command.communicate(timeout=30)
    assert processes_of(options.state) == []
