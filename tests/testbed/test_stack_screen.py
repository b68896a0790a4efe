import io

from rich.console import Console

from services.registry import InstanceState
from testbed.control import ProgramStatus
from testbed.stack.programs import MISSING
from testbed.stack_screen import print_notes, print_programs

UP = ProgramStatus(name="prometheus", state=InstanceState.UP, address="http://127.0.0.1:9090", pid=7)
ELSEWHERE = UP.model_copy(update={"note": "port 9090 is taken, so it listens on 40001"})
DEAD = ProgramStatus(name="alertmanager", state=InstanceState.DOWN, note="cannot be kept running: exit status 1", log="s/log")
ABSENT = [ProgramStatus(name=name, state=MISSING, note=f"apt install {name}") for name in ("alertmanager", "grafana")]


def console() -> Console:
    return Console(file=io.StringIO(), width=100)


def printed(out: Console) -> str:
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_what_is_not_here_is_said_in_one_line_with_how_to_get_it() -> None:
    out = console()
    print_notes(out, (UP, *ABSENT))
    assert printed(out) == (
        "Not on the PATH, so not started: alertmanager (apt install alertmanager), grafana (apt install grafana).\n"
    )


def test_what_runs_otherwise_than_expected_is_said() -> None:
    out = console()
    print_notes(out, (ELSEWHERE,))
    assert printed(out) == "prometheus: port 9090 is taken, so it listens on 40001\n"


def test_the_status_shows_what_is_here_and_why_one_of_it_does_not_run_but_does_not_nag() -> None:
    out = console()
    print_programs(out, (UP, DEAD, *ABSENT))
    text = printed(out)
    assert "http://127.0.0.1:9090" in text
    assert "alertmanager: cannot be kept running: exit status 1\nits log: s/log" in text
    assert "grafana" not in text


def test_a_system_without_a_stack_shows_none() -> None:
    out = console()
    print_programs(out, ())
    assert printed(out) == ""
