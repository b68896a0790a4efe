"""The chaos command where replicas are known by their names alone, as in a container beside them."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from chaos.cli import main
from chaos.targets import addressed
from chaos.targets.addressed import AddressedSystem
from chaos.targets.errors import TargetError
from services.document import DocumentError
from services.registry import Registry
from testbed.control import NotRunningError
from testbed.run import RunFolder
from tests.chaos.conftest import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.chaos.conftest import FakeTestbed

    Chaos = Callable[[str], tuple[int, str]]

PATTERN = "http://{service}-{replica}:8080"


@pytest.fixture
def chaos(testbed: FakeTestbed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Chaos:
    """Runs a chaos command in the environment of a container beside the testbed's processes: exit code, and what it said."""
    token = RunFolder(testbed.state).read_secrets().chaos_token
    for name, value in (("ADDRESSES", PATTERN), ("TOPOLOGY", str(testbed.topology)), ("CHAOS_TOKEN", token)):
        monkeypatch.setenv(f"FIREBREAK_{name}", value)

    def at_their_ports(_topology: object, pattern: str) -> Registry:
        assert pattern == PATTERN
        return Registry(instances=tuple(testbed.services[name].instance() for name in NAMES))

    def run(line: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["chaos", *shlex.split(line)])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0), "".join(capsys.readouterr())

    monkeypatch.setattr(addressed, "registry_at", at_their_ports)
    return run


def test_requests_are_hurt_and_healed_as_from_anywhere_else(chaos: Chaos, testbed: FakeTestbed) -> None:
    assert chaos("slow payments --latency 300ms")[0] == 0
    assert chaos("fail 'orders->payments' --rate 30%")[0] == 0
    assert testbed.faults() == {
        "orders/1": ["error 503"], "orders/2": ["error 503"], "payments/1": ["latency 300 ms"], "payments/2": ["latency 300 ms"],
    }  # fmt: skip
    code, said = chaos("status")
    assert (code, said.count("latency 300 ms"), said.count("error 503")) == (0, 2, 2)
    assert chaos("heal")[1].startswith("Ended 4 faults.")
    assert testbed.faults() == {}


def test_status_says_what_it_cannot_see_and_who_does_not_answer(chaos: Chaos, testbed: FakeTestbed) -> None:
    code, said = chaos("status")
    first, unseen, up = said.splitlines()
    assert (code, first, up) == (0, "Nothing is injected.", "Every replica accepts connections.")
    assert unseen == "Not seen from here: kills and pauses (where Docker is: chaos status, chaos heal)"
    testbed.die("payments/2")
    assert chaos("status")[1].splitlines()[-1] == "Down: payments/2"


def test_a_heal_says_what_it_has_not_ended_unless_only_an_edge_was_meant(chaos: Chaos) -> None:
    assert chaos("heal payments")[1].splitlines()[-1].startswith("Not ended from here: kills and pauses")
    assert chaos("heal 'orders->payments'")[1] == "Nothing was injected at orders->payments.\n"


@pytest.mark.parametrize("kind", ["kill", "pause"])
def test_faults_on_processes_are_refused_with_where_to_go(kind: str, chaos: Chaos, testbed: FakeTestbed) -> None:
    code, said = chaos(f"{kind} payments/2 --for 5s")
    assert code == 2
    assert said.startswith(f"chaos: {kind} acts on containers, which cannot be reached from inside one of them; ")
    assert said.endswith(f"; where Docker is: chaos {kind} payments/2\n")
    assert testbed.process_leases == []


def test_an_experiment_is_refused_with_where_to_go(chaos: Chaos) -> None:
    code, said = chaos("run delivery-outage")
    assert code == 2
    assert said.startswith("chaos: experiments start and stop whole systems, which cannot be done from inside of one; ")
    assert said.endswith("; where Docker is: chaos run delivery-outage --target compose\n")


def test_no_replica_is_hurt_while_another_of_them_is_down(chaos: Chaos, testbed: FakeTestbed) -> None:
    testbed.die("payments/2")
    code, said = chaos("hang payments")
    assert (code, said) == (
        2, "chaos: payments/2 is down; name a replica that runs, or see where Docker is what became of it: chaos status\n",
    )  # fmt: skip
    assert testbed.faults() == {}


def test_when_nobody_answers_the_way_to_start_them_is_told(testbed: FakeTestbed) -> None:
    for name in NAMES:
        testbed.die(name)
    replicas = Registry(instances=tuple(testbed.services[name].instance() for name in NAMES))
    with pytest.raises(NotRunningError, match=r"^none of the 5 replicas answers, http://127.0.0.1:\d+ and so on; .*make up$"):
        AddressedSystem(testbed.topology, replicas, "token").roll()


def test_what_is_missing_or_wrong_in_its_environment_is_named(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"^FIREBREAK_CHAOS_TOKEN: not set"):
        AddressedSystem.of({"FIREBREAK_ADDRESSES": PATTERN})
    with pytest.raises(TargetError, match=r"^FIREBREAK_ADDRESSES: no pattern of addresses; write http://"):
        AddressedSystem.of({"FIREBREAK_ADDRESSES": "http://orders:8080", "FIREBREAK_CHAOS_TOKEN": "x"})
    absent = tmp_path / "absent.yaml"
    with pytest.raises(DocumentError, match=r"absent\.yaml"):
        AddressedSystem.of({"FIREBREAK_ADDRESSES": PATTERN, "FIREBREAK_CHAOS_TOKEN": "x", "FIREBREAK_TOPOLOGY": str(absent)})


def test_a_system_that_somebody_names_is_meant_in_spite_of_addresses(chaos: Chaos, testbed: FakeTestbed) -> None:
    assert chaos(f"kill payments/2 --for 5s --state {testbed.state}")[0] == 0
    assert [lease.instance for lease in testbed.process_leases] == ["payments/2"]
