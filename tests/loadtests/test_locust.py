"""The real generator as experiments start it: a Locust process against a server in another."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from benchmarks._feastfast import feastfast
from loadtests.arrivals import arrivals
from loadtests.journeys import JOURNEYS
from loadtests.mix import Mix
from loadtests.options import DEFAULT_MIX
from testbed.ports import HOST, free_port, is_free

pytestmark = pytest.mark.system

LOCUSTFILE = Path(__file__).parents[2] / "loadtests" / "locustfile.py"
USERS = 40
LIMIT_S = 30.0


@pytest.fixture
def server() -> Iterator[tuple[str, int]]:
    with feastfast() as address_and_pid:
        yield address_and_pid


def locust(*arguments: str, before: str = "") -> subprocess.Popen[str]:
    """Starts Locust; `before` is shell code that runs first in its process."""
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--users", str(USERS), "--seed", "7", *arguments]
    shell = ["sh", "-c", f'{before} exec "$@"', "sh", *command]
    return subprocess.Popen(shell, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and output; a process that hangs is killed and fails the test."""
    try:
        output, _ = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
    return process.returncode, output


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "requests.jsonl").read_text().splitlines()]


def summary(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "load.json").read_text())
    return read


def await_records(folder: Path, process: subprocess.Popen[str]) -> None:
    """Returns once requests are on disk."""
    deadline_s = time.monotonic() + LIMIT_S
    path = folder / "requests.jsonl"
    while not (path.exists() and path.stat().st_size):
        assert process.poll() is None, finish(process)[1]
        assert time.monotonic() < deadline_s, "no request was recorded"
        time.sleep(0.02)


def schedule(seconds: float) -> dict[str, tuple[float, str]]:
    """Instant and journey of every arrival that seed 7 has for USERS sources, by journey id."""
    mix = Mix.parse(DEFAULT_MIX, JOURNEYS)
    return {
        arrival.id: (round(arrival.instant_s, 6), arrival.journey)
        for source in range(USERS)
        for arrival in takewhile(lambda each: each.instant_s < seconds, arrivals(7, source, mix, "poisson"))
    }


def test_the_schedule_is_played_on_time_while_the_server_stands_still(server: tuple[str, int], tmp_path: Path) -> None:
    host, pid = server
    start_at = time.time() + 2.0
    run = locust("--headless", "--host", host, "--run-seconds", "3", "--start-at", f"{start_at:.6f}", "--record", str(tmp_path))
    time.sleep(start_at + 1.0 - time.time())
    os.kill(pid, signal.SIGSTOP)
    stopped_s = time.time() - start_at
    time.sleep(1.0)
    os.kill(pid, signal.SIGCONT)
    resumed_s = time.time() - start_at
    code, output = finish(run)
    assert code == 0, output

    load, requests = summary(tmp_path), records(tmp_path)
    assert (load["complete"], load["delivered"], load["problem"], load["seed"]) == (True, True, None, 7)
    assert load["started_unix"] == round(start_at, 6)
    firsts = {each["id"]: each for each in requests if each["step"] == JOURNEYS[each["journey"]].steps[0]}
    planned = schedule(3.0)
    skipped = {each for each in planned.keys() - firsts.keys() if planned[each][1] == "track"}
    assert {each: (first["intended"], first["journey"]) for each, first in firsts.items()} == {
        each: planned[each] for each in planned.keys() - skipped
    }
    assert load["arrivals"] == len(planned)
    assert load["skipped"]["track"] == len(skipped)
    assert load["intended"] == {name: sum(journey == name for _, journey in planned.values()) for name in load["intended"]}

    # Whoever arrived during the stall was sent into it, and waited until it ended: nothing was omitted.
    waiting = [each for each in firsts.values() if stopped_s + 0.1 < each["intended"] < resumed_s - 0.1]
    assert len(waiting) > USERS / 2
    assert all(each["sent"] < resumed_s <= each["done"] + 0.05 for each in waiting)
    assert {each["id"] for each in requests if each["last"]} == firsts.keys()
    assert all(each["outcome"] == "ok" for each in requests)


def test_ctrl_c_ends_the_arrivals_sums_up_and_exits_with_130(server: tuple[str, int], tmp_path: Path) -> None:
    run = locust("--headless", "--host", server[0], "--run-seconds", "60", "--record", str(tmp_path))
    await_records(tmp_path, run)
    run.send_signal(signal.SIGINT)
    code, output = finish(run)
    assert code == 130, output
    assert (summary(tmp_path)["complete"], summary(tmp_path)["problem"]) == (False, "cut short by SIGINT")
    requests = records(tmp_path)
    assert {each["id"] for each in requests} == {each["id"] for each in requests if each["last"]}
    assert "The load is incomplete: cut short by SIGINT" in output


def test_a_full_disk_ends_the_run_with_the_reason(server: tuple[str, int], tmp_path: Path) -> None:
    record = tmp_path / "record"
    run = locust("--headless", "--host", server[0], "--run-seconds", "60", "--record", str(record), before="ulimit -f 16;")
    code, output = finish(run)
    assert code == 1, output
    assert f"The load is incomplete: {record}/requests.jsonl cannot be written: File too large" in output
    assert summary(record)["complete"] is False
    assert records(record)


def test_a_dead_system_is_told_before_any_load(tmp_path: Path) -> None:
    code, output = finish(locust("--headless", "--host", "http://127.0.0.1:1", "--run-seconds", "60", "--record", str(tmp_path)))
    assert code == 1
    assert "customer 1 cannot sign in at http://127.0.0.1:1/v1/sessions: [Errno 111] Connection refused" in output
    assert (summary(tmp_path)["complete"], summary(tmp_path)["arrivals"]) == (False, 0)


def test_bad_arguments_end_with_one_sentence_and_code_2(tmp_path: Path) -> None:
    code, output = finish(locust("--headless", "--host", "http://127.0.0.1:1", "--record", str(tmp_path / "record")))
    assert code == 2
    assert output.splitlines()[-1] == "locust: error: --record belongs to a fixed schedule; say how long it is with --run-seconds"
    assert not (tmp_path / "record").exists()


def test_users_of_the_web_ui_are_arrivals_a_second(server: tuple[str, int]) -> None:
    port = free_port()
    run = locust("--host", server[0], "--web-port", str(port), "--mix", "sign_in=1", "--arrivals", "constant")
    try:
        ask(port, "/swarm", {"user_count": "40", "spawn_rate": "40", "host": server[0]})
        began_s = time.monotonic()
        deadline_s = began_s + LIMIT_S
        while (answered := requests_answered(port)) < 60 and time.monotonic() < deadline_s:
            time.sleep(0.05)
        assert answered <= 40 * (time.monotonic() - began_s) + 41  # Each source comes once a second, whoever asks how often.
        assert answered >= 60
        ask(port, "/swarm", {"user_count": "0", "spawn_rate": "40", "host": server[0]})
        time.sleep(0.2)
        left = requests_answered(port)
        time.sleep(1.1)
        assert requests_answered(port) == left
        run.send_signal(signal.SIGINT)
        code, output = finish(run)
    finally:
        run.kill()
    assert code == 130, output


def ask(port: int, path: str, form: dict[str, str] | None = None) -> str:
    """Posts `form` to the web UI, or gets a page; waits until it listens."""
    data = urllib.parse.urlencode(form).encode() if form else None
    deadline_s = time.monotonic() + LIMIT_S
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data, timeout=LIMIT_S) as answer:
                body: bytes = answer.read()
                return body.decode()
        except OSError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.1)


def requests_answered(port: int) -> int:
    stats = json.loads(ask(port, "/stats/requests"))["stats"]
    return sum(int(each["num_requests"]) for each in stats if each["name"] == "sign_in: sign_in")


def metrics_of(port: int, host: str = "127.0.0.1") -> dict[str, float]:
    """Samples by name and labels, as Prometheus reads them; empty while nobody serves any."""
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=LIMIT_S) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return {}
    samples = (line.partition(" # ")[0].rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in samples}


def free_ports_in_a_row() -> int:
    """The first of two that nobody had a moment ago."""
    while not is_free(HOST, (port := free_port()) + 1):
        pass
    return port


def test_each_worker_serves_its_own_arrivals_and_their_master_none(server: tuple[str, int]) -> None:
    port, (master, *_) = free_ports_in_a_row(), [free_ports_in_a_row()]
    more = ("--processes", "2", "--master-port", str(master), "--master-bind-port", str(master))
    run = locust(
        *("--headless", "--host", server[0], "--spawn-rate", str(USERS), "--mix", "sign_in=1", "--run-time", "20s"),
        *("--metrics-port", str(port), *more),
    )
    arrivals = 'load_arrivals_total{journey="sign_in"}'
    try:
        deadline_s = time.monotonic() + LIMIT_S
        while not all(metrics_of(each).get(arrivals) for each in (port, port + 1)) and time.monotonic() < deadline_s:
            time.sleep(0.05)
        found = [metrics_of(each) for each in (port, port + 1)]
        assert all(each[arrivals] > 0 for each in found)
        target = 'load_target_arrivals_per_second{journey="sign_in"}'
        assert sum(each[target] for each in found) == USERS
        run.send_signal(signal.SIGINT)
        code, output = finish(run)
    finally:
        run.kill()
    assert output.count("Metrics of the load: http://127.0.0.1:") == 2, output
    assert code == 130, output


def test_a_worker_with_an_address_of_its_own_serves_its_metrics_on_the_very_port_and_before_any_load() -> None:
    port, web = free_ports_in_a_row(), free_ports_in_a_row()
    ways = ("--metrics-host", "127.0.0.2", "--metrics-port", str(port), "--master-port", str(web + 1))
    master = locust("--master", "--host", "http://127.0.0.1:1", "--web-port", str(web), "--master-bind-port", str(web + 1), *ways)
    worker = locust("--worker", *ways)
    try:
        deadline_s = time.monotonic() + LIMIT_S
        while not metrics_of(port, "127.0.0.2") and time.monotonic() < deadline_s:
            time.sleep(0.05)
        assert metrics_of(port, "127.0.0.2")
    finally:
        for each in (worker, master):
            each.kill()
            each.communicate()
