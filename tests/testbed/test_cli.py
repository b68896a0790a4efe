import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from testbed.cli import main
from testbed.control import status
from testbed.launch import LaunchOptions, launch
from testbed.lock import take_lock
from testbed.run import RunFolder

Testbed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def testbed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Testbed:
    """Runs the command in an empty folder; returns exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["testbed", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("status",), "testbed: no testbed runs in .testbed/current (No such file or directory); start one with: testbed up"),
        (("restart", "orders"), "testbed: no testbed runs in .testbed/current"),
        (("restart", "orders/x"), "testbed: 'orders/x' is no target; write a service (orders) or a replica (orders/2)"),
        (("load",), "testbed: no testbed runs in .testbed/current"),
        (("load", "--ui", "--record", "x"), "testbed: --record keeps a fixed schedule, and --ui has none; give one of the two"),
        (
            ("load", "--for", "60"),
            "testbed: Invalid value for '--for': '60' is not a duration; write a positive number and a unit",
        ),
        (("logs",), "testbed: no logs in .testbed/current/logs; start a testbed with: testbed up"),
        (("logs", "--level", "loud"), "testbed: Invalid value for '--level': 'loud' is not one of"),
        (("open", "traces"), "testbed: no testbed runs in .testbed/current"),
        (("open", "report"), "testbed: no report in .testbed/runs; make one with: testbed demo"),
        (
            ("up", "--profile", "some"),
            "testbed: Invalid value for '--profile': 'some' is not one of 'declared', 'timeouts_only', 'none'.",
        ),
        (("up", "--port", "gateway"), "testbed: --port gateway: write NAME=PORT, such as gateway=8081"),
        (("up", "--topology", "no.yaml"), "no.yaml: cannot be read: No such file or directory"),
        (("upp",), "testbed: No such command 'upp'."),
    ],
)
def test_bad_input_is_one_clear_sentence_and_exit_code_2(testbed: Testbed, arguments: tuple[str, ...], complaint: str) -> None:
    code, out, err = testbed(*arguments)
    assert code == 2
    assert complaint in err
    assert "Traceback" not in out + err


def test_a_mistake_in_a_map_is_named_with_file_line_and_key_and_nothing_starts(testbed: Testbed, tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text("services:\n  shop: {module: shop, entry: true, replica: 2}\n")
    code, _out, err = testbed("up", "--topology", "shop.yaml")
    assert code == 2
    assert "shop.yaml:2: services.shop.replica: unknown key; allowed:" in err
    assert not RunFolder(tmp_path / ".testbed" / "current").journal.exists()


def test_down_without_a_testbed_says_so_and_is_no_failure(testbed: Testbed) -> None:
    assert testbed("down") == (0, "Nothing runs in .testbed/current.\n", "")


def test_a_report_that_exists_is_opened_by_its_address(testbed: Testbed, tmp_path: Path) -> None:
    report = tmp_path / ".testbed" / "runs" / "r1" / "report.html"
    report.parent.mkdir(parents=True)
    report.touch()
    assert testbed("open", "report") == (0, f"{report.as_uri()}\n", "")


@pytest.mark.system
def test_a_testbed_s_day_from_up_to_down(testbed: Testbed, small_system: Callable[..., LaunchOptions]) -> None:
    options = small_system()
    here = ("--state", str(options.state))
    up = ("up", "--topology", str(options.topology), "--free-ports", *here)
    assert testbed(*up)[0] == 0
    code, out, _err = testbed(*up)
    assert code == 0
    assert "4 processes are up already" in out
    code, _out, err = testbed(*up, "--profile", "none")
    assert code == 2
    assert "with profile declared instead of none; stop it first: testbed down" in err
    assert "stock/2" in testbed("status", *here)[1]
    assert "stock is up again after" in testbed("restart", "stock", *here)[1]
    assert "unknown service 'stocks'; allowed: shop, stock" in testbed("restart", "stocks", *here)[2]
    assert [line.split()[1:] for line in testbed("logs", "stock/2", "-n", "1", *here)[1].splitlines()] == [["info", "begins"]]
    assert testbed("open", "traces", *here)[1] == status(options.state).addresses["traces"] + "\n"
    assert "grafana does not run beside this system: it was started with --no-stack" in testbed("open", "grafana", *here)[2]
    assert testbed("down", *here)[:2] == (0, "Stopped. Logs and traces stay until the next start.\n")


@pytest.mark.system
def test_a_taken_port_is_named_with_its_listener_and_the_way_out(
    testbed: Testbed, small_system: Callable[..., LaunchOptions], tmp_path: Path
) -> None:
    options = small_system()
    port = int(launch(options).addresses["shop"].rpartition(":")[2])
    elsewhere = small_system(state=tmp_path / "elsewhere")
    code, _out, err = testbed(
        *("up", "--topology", str(options.topology), "--state", str(elsewhere.state), "--free-ports", "--port", f"shop={port}")
    )
    assert code == 2
    assert f"testbed: port {port} (shop) is taken by shop/1 (process " in err
    assert "--free-ports" in err
    assert not (elsewhere.state / "processes.jsonl").exists()


def test_a_system_that_somebody_else_is_starting_is_left_to_them(testbed: Testbed, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "state")
    folder.create()
    lock = take_lock(folder.root)
    code, _out, err = testbed("up", "--state", str(folder.root))
    os.close(lock)
    assert (code, err) == (2, f"testbed: a testbed in {folder.root} is just starting or stopping; try again in a moment\n")
