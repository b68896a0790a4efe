"""`testbed dead-letters` and `testbed replay`: what they ask, print and exit with."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from chaos.http_get import FetchError
from chaos.targets.local import LocalSystem
from services.registry import Instance, InstanceState
from services.topology import default_topology_path, load_topology
from testbed import cli
from testbed.commands import books
from testbed.control import SystemStatus
from testbed.dead_letters import Consumers, consumers_of, replay
from testbed.run import RunFolder, Secrets

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
MAP = load_topology()
TAKERS = [name for name in MAP.services if any(name in route.consumers for route in MAP.events.values())]
HEADERS = {"X-Internal-Token": "inner"}
LETTER = {
    "event_id": ID,
    "type": "order.accepted",
    "key": "k-1",
    "attempts": 5,
    "error": "RuntimeError: [no]",
    "at": 0.0,
    "envelope": "{}",
}
Command = Callable[..., tuple[int, str, str]]


class System(LocalSystem):
    """A running system whose services answer as a test says."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder
        self.up = list(reversed(TAKERS))
        self.letters: dict[str, list[dict[str, object]]] = {}
        self.answers: dict[str, tuple[int, str]] = {}
        self.posted: list[str] = []

    def status(self) -> SystemStatus:
        up = tuple(
            Instance(service=name, replica=1, host=name, port=80, pid=1, state=InstanceState.UP) for name in [*self.up, "gateway"]
        )
        return SystemStatus(
            run_id="up-1", phase="ready", profile="declared", topology=str(default_topology_path()), started_at=0,
            supervisor_pid=1, instances=up, addresses={}, otlp_endpoint="",
        )  # fmt: skip

    def get(self, url: str, headers: Mapping[str, str]) -> bytes:
        assert headers == HEADERS
        service = url.split("/")[2].partition(":")[0]
        assert url == f"http://{service}:80/internal/dead-letters?limit=500"
        return json.dumps({"rows": self.letters.get(service, []), "next": None}).encode()

    def post(self, url: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        assert headers == HEADERS
        event_id = url.removesuffix("/replay").rpartition("/")[2]
        self.posted.append(event_id)
        status, detail = self.answers.get(event_id, (204, ""))
        return status, json.dumps({"detail": detail}).encode()

    def consumers(self, _chosen: object) -> Consumers:
        return consumers_of(self, self.get)


@pytest.fixture
def system(tmp_path: Path) -> System:
    RunFolder(tmp_path).write_secrets(Secrets(internal_token="inner", chaos_token="c", signing_key="s"))
    return System(tmp_path)


@pytest.fixture
def command(system: System, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `testbed` on `system`; returns its exit code and what it printed, also on standard error."""

    def replay_there(consumers: Consumers, service: str, event_id: str) -> None:
        replay(consumers, service, event_id, system.post)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(books, "consumers_of", system.consumers)
        monkeypatch.setattr(books, "replay", replay_there)
        monkeypatch.setattr(sys, "argv", ["testbed", *arguments, "--state", str(system.folder)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


def test_no_dead_letters_are_said_to_be_none_and_where(command: Command) -> None:
    assert command("dead-letters") == (0, f"No dead letters at {', '.join(TAKERS)}.\n", "")
    assert command("dead-letters", "orders")[1] == "No dead letters at orders.\n"


def test_dead_letters_of_all_services_are_shown_with_their_error(command: Command, system: System) -> None:
    system.letters = {
        "restaurants": [LETTER],
        "orders": [LETTER | {"event_id": ID.replace("0", "1"), "type": "courier.assigned"}],
    }
    code, out, _ = command("dead-letters")
    shown = " ".join(out.replace("\n", " ").split())
    assert code == 0
    for word in ("restaurants", "orders", ID, "order.accepted", "courier.assigned", "k-1", "RuntimeError: [no]"):
        assert word in shown
    assert "2 dead letters. Once the cause is gone: testbed replay SERVICE EVENT" in shown


def test_programs_get_dead_letters_with_what_arrived(command: Command, system: System) -> None:
    system.letters = {"orders": [LETTER]}
    assert json.loads(command("dead-letters", "orders", "--json")[1]) == {"orders": [LETTER]}


def test_an_event_that_is_handled_after_all_is_said_to_be(command: Command, system: System) -> None:
    assert command("replay", "restaurants", ID) == (0, "restaurants handled 1 event after all.\n", "")
    assert system.posted == [ID]


def test_all_of_a_service_are_replayed_the_oldest_first_and_those_that_fail_again_are_named(
    command: Command, system: System
) -> None:
    system.letters = {"orders": [LETTER | {"event_id": name, "at": at} for name, at in (("c", 3.0), ("a", 1.0), ("b", 2.0))]}
    system.answers = {"b": (409, "event b failed again: RuntimeError: [no]")}
    code, out, _ = command("replay", "orders", "--all")
    assert system.posted == ["a", "b", "c"]
    assert (code, out) == (1, "orders: event b failed again: RuntimeError: [no]\norders handled 2 events after all.\n")


def test_nothing_to_replay_is_no_failure(command: Command) -> None:
    assert command("replay", "orders", "--all") == (0, "orders handled 0 events after all.\n", "")


@pytest.mark.parametrize("status", [404, 422])
def test_an_event_that_never_arrived_is_refused_with_where_to_look(command: Command, system: System, status: int) -> None:
    system.answers = {"nonsense": (status, "never arrived here")}
    assert command("replay", "orders", "nonsense") == (
        2, "", "testbed: orders has no dead letter 'nonsense'; see: testbed dead-letters orders\n"
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [("dead-letters", "payments"), ("replay", "payments", ID), ("replay", "payments", "--all")])
def test_a_service_that_takes_no_events_is_refused_with_those_that_do(command: Command, arguments: tuple[str, ...]) -> None:
    code, _, error = command(*arguments)
    assert (code, error) == (2, f"testbed: 'payments' takes no events; allowed: {', '.join(TAKERS)}\n")


@pytest.mark.parametrize("arguments", [("dead-letters",), ("dead-letters", "orders"), ("replay", "orders", ID)])
def test_a_service_that_is_down_is_named(command: Command, system: System, arguments: tuple[str, ...]) -> None:
    system.up.remove("orders")
    code, _, error = command(*arguments)
    assert (code, error) == (
        2,
        "testbed: no instance of orders is up, so its dead letters cannot be reached; see: testbed status\n",
    )


@pytest.mark.parametrize("arguments", [("orders",), ("orders", ID, "--all")])
def test_one_event_or_all_has_to_be_named(command: Command, arguments: tuple[str, ...]) -> None:
    assert command("replay", *arguments)[2] == "testbed: name an event, or give --all\n"


def test_an_answer_that_is_no_problem_is_told_with_its_status(system: System) -> None:
    with pytest.raises(FetchError, match=r"POST http://orders:80/.*: status 500"):
        replay(system.consumers(system.folder), "orders", ID, lambda _url, _headers: (500, b"oops"))
