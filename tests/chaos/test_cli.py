"""The chaos command as a person meets it."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from chaos.cli import main
from chaos.inject import messages
from chaos.targets.processes import Processes
from services.registry import InstanceState
from testbed import control
from testbed.control import ProcessFaultRequest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.conftest import FakeTestbed


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


class Shell:
    """Runs the command with a state folder."""

    def __init__(self, state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.state = state
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def run(self, line: str) -> Said:
        return self.run_as_typed(f"{line} --state {self.state}")

    def run_as_typed(self, line: str) -> Said:
        self._monkeypatch.setattr(sys, "argv", shlex.split(line))
        with pytest.raises(SystemExit) as end:
            main()
        out, err = self._capsys.readouterr()
        assert "Traceback" not in out + err
        return Said(int(end.value.code or 0), out, err)


@pytest.fixture
def shell(testbed: FakeTestbed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(testbed.state, monkeypatch, capsys)


@pytest.fixture
def lonely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Where no testbed runs."""
    return Shell(tmp_path, monkeypatch, capsys)


def test_slow_says_what_where_until_when_and_how_to_undo_it(shell: Shell, testbed: FakeTestbed) -> None:
    said = shell.run("chaos slow payments --latency 300ms --jitter 50ms --rate 50% --for 20s")
    assert said.code == 0
    first, undo, watch = said.out.splitlines()
    assert first.startswith("latency 300 ms ± 50 ms, 50% of requests at payments (in payments/1, payments/2) until ")
    assert first.endswith(" (20s)")
    assert undo == f"  undo:  chaos heal payments --state {testbed.state}"
    assert watch == f"  watch: chaos status --state {testbed.state}, and traces at http://127.0.0.1:16686"
    assert testbed.faults() == {"payments/1": ["latency 300 ms ± 50 ms"], "payments/2": ["latency 300 ms ± 50 ms"]}
    (lease,) = testbed.leases("payments/1")
    assert (lease.rate, lease.source) == (0.5, "chaos slow")
    assert 15_000 < lease.remaining_ms <= 20_000


def test_the_printed_undo_undoes_an_edge(shell: Shell, testbed: FakeTestbed) -> None:
    said = shell.run("chaos slow 'orders->payments' --latency 1s")
    assert set(testbed.faults()) == {"orders/1", "orders/2"}
    undo = said.out.splitlines()[1].removeprefix("  undo:  ")
    assert shell.run_as_typed(undo).out == "Ended 2 faults at orders->payments.\n"
    assert testbed.faults() == {}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("chaos fail payments/2", "error 503"),
        ("chaos fail payments/2 --status 429", "error 429"),
        ("chaos fail payments/2 --abort", "abort"),
        ("chaos hang payments/2 --rate 0.25", "hang"),
        ("chaos partition payments/2", "partition"),
    ],
)
def test_fail_hang_and_partition_put_their_fault_in_force(shell: Shell, testbed: FakeTestbed, line: str, fault: str) -> None:
    said = shell.run(line)
    assert (said.code, testbed.faults()) == (0, {"payments/2": [fault]})
    assert said.out.startswith(fault)
    assert " at payments/2 until " in said.out


@pytest.mark.parametrize("kind", ["kill", "pause"])
def test_kill_and_pause_ask_the_supervisor(shell: Shell, testbed: FakeTestbed, kind: str) -> None:
    said = shell.run(f"chaos {kind} payments --for 5s")
    assert said.code == 0
    assert said.out.startswith(f"{kind} at payments (in payments/1, payments/2) until ")
    assert testbed.asked == [
        ProcessFaultRequest.model_validate({"kind": kind, "service": "payments", "lease_ms": 5_000, "source": f"chaos {kind}"})
    ]


def test_status_shows_every_fault_with_what_it_has_done(shell: Shell, testbed: FakeTestbed) -> None:
    assert shell.run("chaos status").out == "Nothing is injected.\n"
    shell.run("chaos fail payments/1 --status 500 --rate 50%")
    shell.run("chaos hang 'orders->payments'")
    shell.run("chaos kill gateway")
    for _ in range(20):
        list(testbed.services["payments/1"].table.draw(None))
    injected = testbed.leases("payments/1")[0].injected
    rows = [line.split() for line in shell.run("chaos status").out.splitlines()]
    assert sorted(row[0] for row in rows[2:]) == ["gateway/1", "orders/1", "orders/2", "payments/1"]
    (payments,) = [row for row in rows if row[0] == "payments/1"]
    assert payments[1:4] == ["error", "500", "50%"]
    assert payments[6:] == ["20", str(injected), "chaos", "fail"]


def test_status_shows_the_final_counts_of_ended_faults_on_request(shell: Shell, testbed: FakeTestbed) -> None:
    shell.run("chaos fail payments/1")
    list(testbed.services["payments/1"].table.draw(None))
    shell.run("chaos heal")
    assert shell.run("chaos status").out == "Nothing is injected.\n"
    last = shell.run("chaos status --ended").out.splitlines()[-1].split()
    assert last == ["payments/1", "error", "503", "100%", "1", "1", "chaos", "fail"]


def test_status_says_whose_faults_it_could_not_learn(shell: Shell, testbed: FakeTestbed) -> None:
    testbed.silence("orders/2")
    said = shell.run("chaos status")
    assert said.code == 2
    assert said.err.startswith("chaos: orders/2 did not answer")


def test_heal_says_how_much_it_ended(shell: Shell) -> None:
    assert shell.run("chaos heal").out == "Nothing was injected.\n"
    shell.run("chaos hang payments/1")
    assert shell.run("chaos heal orders").out == "Nothing was injected at orders.\n"
    assert shell.run("chaos heal").out == "Ended 1 fault.\n"


def test_heal_says_who_did_not_answer(shell: Shell, testbed: FakeTestbed) -> None:
    shell.run("chaos hang payments/1")
    testbed.silence("orders/2")
    said = shell.run("chaos heal")
    assert (said.code, said.out) == (2, "Ended 1 fault.\n")
    assert "orders/2 did not answer: faults there, if any, end when their time is up" in said.err
    assert testbed.faults() == {}


def test_list_shows_what_there_is_in_the_running_system(shell: Shell, testbed: FakeTestbed) -> None:
    testbed.services["payments/2"].state = InstanceState.DOWN
    out = shell.run("chaos list").out
    for word in (
        "latency",
        "error",
        "abort",
        "hang",
        "partition",
        "kill",
        "pause",
        "'orders->payments'",
        "payments/1 (up), payments/2 (down)",
    ):
        assert word in out
    assert "deliveries" not in out


def test_experiments_shows_every_shipped_one_with_what_it_expects_of_its_arms(lonely: Shell) -> None:
    said = lonely.run_as_typed("chaos experiments")
    assert said.code == 0
    for text in ("delivery-outage", "slow-payments", "Slow payments do not stop browsing", "no_bulkhead LEAKED"):
        assert text in said.out


def test_list_shows_the_default_map_when_nothing_runs(lonely: Shell) -> None:
    said = lonely.run("chaos list")
    assert said.code == 0
    assert "No testbed is running. Targets it would have:" in said.out
    assert "'orders->deliveries'" in said.out


BAD = [
    ("chaos slow payment --latency 1s", "unknown service 'payment' (did you mean payments?); allowed: gateway, orders, payments"),
    ("chaos slow payments/3 --latency 1s", "unknown replica 'payments/3'"),
    ("chaos slow 'orders->payment' --latency 1s", "unknown edge 'orders->payment' (did you mean orders->payments?)"),
    ("chaos slow orders- --latency 1s", "the shell redirects at >"),
    ("chaos heal payment", "did you mean payments?"),
    ("chaos kill 'orders->payments'", "kill acts on processes, and orders->payments is an edge"),
    ("chaos slow payments", "Missing option '--latency'"),
    ("chaos slow payments --latency 300", "'300' is not a duration; write a positive number and a unit"),
    ("chaos slow payments --latency -300ms", "'-300ms' is not a duration"),
    ("chaos slow payments --latency 0ms", "'0ms' is out of range; allowed: above zero, up to 10m"),
    ("chaos slow payments --latency 11m", "'11m' is out of range"),
    ("chaos slow payments --latency 10ms --jitter 20ms", "jitter (20 ms) is longer than the latency (10 ms)"),
    ("chaos slow payments --latency 10ms --for 30", "'30' is not a duration"),
    ("chaos hang payments --for 61m", "'61m' is out of range; allowed: above zero, up to 1h"),
    ("chaos hang payments --rate 0%", "'0%' is no rate; allowed: above 0% and up to 100%"),
    ("chaos hang payments --rate 101%", "'101%' is no rate"),
    ("chaos hang payments --rate 50", "'50' is no rate"),
    ("chaos hang payments --rate nan", "'nan' is no rate"),
    ("chaos hang payments --rate half", "'half' is no rate"),
    ("chaos partition payments --rate 50%", "No such option '--rate'"),
    ("chaos fail payments --status 200", "200 is not in the range 400<=x<=599"),
    ("chaos fail payments --status 500 --abort", "there is no status"),
    ("chaos hang payments orders", "unexpected extra argument (orders)"),
    ("chaos hnag payments", "No such command 'hnag'. Did you mean 'hang'?"),
]


@pytest.mark.parametrize(("line", "problem"), BAD)
def test_bad_input_is_one_sentence_and_injects_nothing(shell: Shell, testbed: FakeTestbed, line: str, problem: str) -> None:
    said = shell.run(line)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("chaos: ")
    assert len(said.err.splitlines()) == 1
    assert problem in said.err
    assert (testbed.faults(), testbed.asked) == ({}, [])


@pytest.mark.parametrize(
    "line",
    ["chaos hang payments", "chaos kill payments", "chaos status", "chaos heal", "chaos heal payments"],
)
def test_without_a_testbed_every_command_says_how_to_start_one(lonely: Shell, line: str) -> None:
    said = lonely.run(line)
    assert (said.code, said.out) == (2, "")
    assert "no testbed runs" in said.err
    assert "testbed up" in said.err


def test_the_longest_lease_is_the_same_for_requests_and_processes() -> None:
    assert messages.MAX_LEASE_MS == control.MAX_LEASE_MS  # Two constants, because a target imports nothing of the testbed.


def test_a_broken_topology_is_named_with_its_line(shell: Shell, testbed: FakeTestbed) -> None:
    testbed.topology.write_text("services:\n  gateway: {modul: x}\n")
    said = shell.run("chaos hang gateway")
    assert said.code == 2
    assert "topology.yaml:2" in said.err


def test_healing_everything_needs_no_topology(shell: Shell, testbed: FakeTestbed) -> None:
    shell.run("chaos hang gateway")
    testbed.topology.unlink()
    assert shell.run("chaos heal").out == "Ended 1 fault.\n"


def test_an_interrupted_injection_is_taken_back(shell: Shell, testbed: FakeTestbed, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*answers: object) -> None:
        assert testbed.faults() != {}
        raise KeyboardInterrupt

    monkeypatch.setattr(Processes, "_granted", staticmethod(interrupted))
    said = shell.run("chaos hang payments")
    assert (said.code, said.out) == (130, "")
    assert "interrupted" in said.err
    assert testbed.faults() == {}


def test_without_arguments_the_commands_are_shown(lonely: Shell) -> None:
    said = lonely.run_as_typed("chaos")
    assert said.code == 2
    faults = ("slow", "fail", "hang", "partition", "kill", "pause")
    for command in (*faults, "experiments", "list", "status", "heal", "run", "report"):
        assert command in said.err
