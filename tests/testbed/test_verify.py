"""`testbed verify`: what it asks, prints and exits with."""

import io
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from rich.console import Console

from chaos.http_get import FetchError
from chaos.invariants.books import Books
from chaos.invariants.finding import InvariantFinding
from chaos.invariants.verification import Verification
from chaos.targets.local import LocalSystem
from services.registry import Instance, InstanceState
from services.topology import default_topology_path, load_topology
from testbed import cli
from testbed.commands import books
from testbed.control import ControlError, ProcessLease, SystemStatus
from testbed.run import RunFolder, Secrets
from testbed.verify import verify_running
from testbed.verify_screen import print_verification, verification_json

SERVICES = {"gateway", "payments"}.union(*(route.consumers for route in load_topology().events.values()))
FINDINGS = {
    "captured once": InvariantFinding(True, "each of 2 accepted orders was captured exactly once", {"judged": 2.0}),
    "events once": InvariantFinding(None, "no addressed event to judge"),
}
BROKEN = FINDINGS | {"sagas finished": InvariantFinding(False, "of 9 orders: 7 [stuck]", {}, tuple("abcdefg"))}
BOOKS = Books(read_at=0.0, first_orders=(), orders=())


def system(topology: Path, **changes: object) -> SystemStatus:
    up = tuple(
        Instance(service=name, replica=replica, host=f"{name}-{replica}", port=80, pid=1, state=InstanceState.UP)
        for name in SERVICES
        for replica in (1, 2)
    )
    facts = SystemStatus(
        run_id="up-1", phase="ready", profile="declared", topology=str(topology), started_at=0, supervisor_pid=1, instances=up,
        addresses={}, otlp_endpoint="",
    )  # fmt: skip
    return facts.model_copy(update=changes)


class FakeSystem(LocalSystem):
    """A system without processes."""

    def __init__(self, state: Path, facts: SystemStatus) -> None:
        super().__init__(state)
        self._facts = facts

    def status(self) -> SystemStatus:
        return self._facts


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = RunFolder(tmp_path)
    folder.write_secrets(Secrets(internal_token="inner", chaos_token="c", signing_key="s"))
    return tmp_path


class EmptyPages:
    """Books without a row."""

    def __init__(self) -> None:
        self.hosts: set[str] = set()

    def __call__(self, url: str, headers: Mapping[str, str]) -> bytes:
        assert headers == {"X-Internal-Token": "inner"}
        self.hosts.add(url.split("/")[2])
        return b'{"rows": [], "next": null}'


def test_a_system_without_orders_is_read_whole_and_nothing_is_judged(state: Path) -> None:
    pages = EmptyPages()
    done = verify_running(FakeSystem(state, system(default_topology_path())), 0, pages)
    assert {finding.holds for finding in done.findings.values()} == {None}
    assert {host.partition("-")[0] for host in pages.hosts} == SERVICES - {"gateway"}


def test_a_paused_replica_is_not_asked_while_another_runs(state: Path) -> None:
    pages = EmptyPages()
    paused = ProcessLease(id="p", kind="pause", instance="orders/1", granted_at=0, remaining_ms=9, source="x")
    verify_running(FakeSystem(state, system(default_topology_path(), leases=(paused,))), 0, pages)
    assert {host for host in pages.hosts if host.startswith("orders")} == {"orders-2:80"}


def test_another_topology_has_no_such_books(state: Path) -> None:
    other = state / "shop.yaml"
    other.write_text("services:\n  shop: {module: shop, entry: true}\n")
    with pytest.raises(ControlError, match=r"shop.yaml has no orders, payments, restaurants, deliveries, notifications"):
        verify_running(FakeSystem(state, system(other)), 0, EmptyPages())


@pytest.fixture(params=[80, 120])
def out(request: pytest.FixtureRequest) -> Console:
    return Console(file=io.StringIO(), width=request.param)


def printed(out: Console) -> str:
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_invariants_that_hold_are_shown_one_a_line_with_a_headline(out: Console) -> None:
    print_verification(out, Verification(FINDINGS, BOOKS, 1, 0.25))
    text = printed(out)
    assert "✓ ok" in text
    assert "? not judged" in text
    assert "1 of 2 invariants hold, and none is broken: 0 orders, 1 look, 0.2 s." in text
    assert max(map(len, text.splitlines())) <= out.width


def test_a_broken_invariant_is_shown_with_whom_it_does_not_hold_for(out: Console) -> None:
    print_verification(out, Verification(BROKEN, BOOKS, 3, 9.0))
    text = printed(out)
    assert "✗ broken" in text
    assert "of 9 orders: 7 [stuck]" in text
    assert "a, b, c, d, e and 2 more" in text
    assert "1 of 3 invariants does not hold: 0 orders, 3 looks, 9.0 s." in text


def test_programs_get_the_same_as_json() -> None:
    document = json.loads(verification_json(Verification(BROKEN, BOOKS, 3, 9.0)))
    assert document["holds"] is False
    assert [each["verdict"] for each in document["invariants"]] == ["ok", "not judged", "broken"]
    assert document["invariants"][2]["offenders"] == list("abcdefg")


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `testbed verify` on a system that is as the test says."""

    def run(outcome: Verification | Exception, *arguments: str) -> tuple[int, str, str]:
        def look(_state: Path, _wait_s: float) -> Verification:
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        monkeypatch.setattr(books, "verify_running", look)
        monkeypatch.setattr(sys, "argv", ["testbed", "verify", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


def test_the_exit_code_says_whether_all_hold(command: Command) -> None:
    assert command(Verification(FINDINGS, BOOKS, 1, 0.1))[0] == 0
    assert command(Verification(BROKEN, BOOKS, 1, 0.1))[0] == 1
    assert json.loads(command(Verification(BROKEN, BOOKS, 1, 0.1), "--json")[1])["holds"] is False


@pytest.mark.parametrize("problem", [FetchError("GET x: status 500"), ControlError("no testbed runs in x")])
def test_books_that_cannot_be_read_are_exit_code_2_and_one_sentence(command: Command, problem: Exception) -> None:
    code, out, err = command(problem)
    assert (code, out) == (2, "")
    assert err.strip() == f"testbed: {problem}"
