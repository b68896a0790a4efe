"""What is found before anything starts: each finding names what is wrong, and the way out."""

import json
from pathlib import Path

import pytest

from testbed.compose.description import Description, describe
from testbed.compose.engine import Engine
from testbed.compose.env_file import EnvFile
from testbed.compose.errors import ComposeError
from testbed.compose.preflight import (
    Listener,
    check_containers,
    check_data,
    check_files,
    check_memory,
    check_ports,
    check_secrets,
    check_shell,
    notes_on,
    tighten,
    variable_of_port,
)
from testbed.compose.project import Project
from tests.deploy.fakes import FakeDocker, container, said

EXAMPLE = EnvFile("# About.\n\nPOSTGRES_PASSWORD=\nFIREBREAK_GRAFANA_PORT=3000\n")
SECRET = "Gz4-qT8_nW2xKe7Lp"
HERE = Project(Path("/here"))
ENGINE = Engine(architecture="amd64", memory_bytes=8 * 2**30, limits_memory=True)
CONFIG = json.dumps(
    {
        "services": {
            "gateway-1": {"mem_limit": "117440512", "ports": [{"host_ip": "127.0.0.1", "target": 8080, "published": "8080"}]},
            "orders-1": {"mem_limit": "117440512", "ports": [{"host_ip": "127.0.0.1", "target": 8080}]},
        }
    }
)
STACK = describe(FakeDocker({"compose config": said(CONFIG)}))


def listener(taken: dict[int, str]) -> Listener:
    return Listener(is_free=lambda port: port not in taken, name=lambda port: taken[port])


def meminfo(folder: Path, available_mib: int) -> Path:
    path = folder / "meminfo"
    path.write_text(f"MemTotal:       99999999 kB\nMemAvailable:   {available_mib * 1024} kB\n", encoding="ascii")
    return path


def test_what_compose_says_is_read_as_far_as_it_is_needed() -> None:
    assert STACK.ports == {"gateway-1": 8_080}
    assert STACK.memory_bytes == 224 * 2**20


def test_a_description_that_compose_refuses_has_its_reason() -> None:
    reason = "error while interpolating services.grafana.environment: required variable GRAFANA_SECRET_KEY is missing a value"
    with pytest.raises(ComposeError, match="GRAFANA_SECRET_KEY is missing a value"):
        describe(FakeDocker({"compose config": said(err=reason, code=15)}))


def test_variables_of_ports_are_called_after_their_services() -> None:
    assert variable_of_port("gateway-1") == "FIREBREAK_GATEWAY_PORT"
    assert variable_of_port("jaeger") == "FIREBREAK_JAEGER_PORT"


def test_a_weak_secret_is_told_with_the_way_to_a_strong_one() -> None:
    assert check_secrets(EnvFile(f"POSTGRES_PASSWORD={SECRET}"), EXAMPLE) == []
    problem = check_secrets(EnvFile("POSTGRES_PASSWORD=secret"), EXAMPLE)[0]
    assert "POSTGRES_PASSWORD in .env has 6 characters" in problem
    assert "`make up` draws a new one" in problem


def test_a_variable_of_the_shell_that_would_override_a_secret_is_told_and_an_equal_one_is_not() -> None:
    env = EnvFile(f"POSTGRES_PASSWORD={SECRET}")
    assert check_shell({"POSTGRES_PASSWORD": SECRET, "FIREBREAK_GRAFANA_PORT": "1", "HOME": "/"}, env, EXAMPLE) == []
    assert "POSTGRES_PASSWORD is set in this shell" in check_shell({"POSTGRES_PASSWORD": ""}, env, EXAMPLE)[0]


def test_a_shell_that_makes_another_project_of_it_is_told_which_variable_to_unset() -> None:
    assert "COMPOSE_PROJECT_NAME is set" in check_shell({"COMPOSE_PROJECT_NAME": "mine"}, EnvFile(), EnvFile())[0]


def test_files_that_containers_could_not_read_are_told_with_the_way_to_let_them(tmp_path: Path) -> None:
    readable, closed, missing = tmp_path / "readable", tmp_path / "closed", tmp_path / "missing"
    readable.touch(0o644)
    closed.mkdir(0o750)
    config = [{"type": "bind", "source": str(path), "target": "/x"} for path in (readable, closed, missing)]
    stack = Description.model_validate({"services": {"x": {"volumes": [*config, {"type": "volume", "source": "data"}]}}})
    unreadable, absent = check_files(stack)
    assert unreadable == f"{closed} cannot be read by others, and containers are others; chmod -R o+rX {closed}"
    assert absent.startswith(f"{missing}, which a container reads: No such file or directory")


def test_a_taken_port_is_told_with_its_owner_and_a_free_one() -> None:
    problem = check_ports(STACK, (), listener({8_080: "nginx (process 7)", 8_081: ""}))[0]
    assert problem == (
        "port 8080 (gateway-1) is taken by nginx (process 7); free it, or choose another in .env: FIREBREAK_GATEWAY_PORT=8082"
    )


def test_a_port_that_the_stack_itself_has_is_not_taken() -> None:
    assert check_ports(STACK, [container("gateway-1")], listener({8_080: "docker-proxy"})) == []
    assert len(check_ports(STACK, [container("gateway-1", state="exited")], listener({8_080: "x"}))) == 1


def test_nothing_a_whole_and_an_ended_stack_may_be_started() -> None:
    whole = [container("postgres", "/here"), container("migrate", "/here", state="exited", health="")]
    ended = [container(name, "/here", state="exited") for name in ("postgres", "nats")]
    starting = [container("postgres", "/here", health="starting")]
    for found in ([], whole, ended, starting):
        assert check_containers(found, HERE) == []


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"state": "exited"}, "exited"),
        ({"state": "paused"}, "paused"),
        ({"state": "restarting"}, "restarting"),
        ({"health": "unhealthy"}, "unhealthy"),
    ],
)
def test_half_a_stack_is_told_with_what_is_wrong_and_the_way_out(changes: dict[str, str], state: str) -> None:
    problem = check_containers([container("postgres", "/here"), container("nats", "/here", **changes)], HERE)[0]
    assert f"(nats is {state})" in problem
    assert "`make down`" in problem


def test_the_stack_of_another_checkout_is_told_with_its_folder() -> None:
    assert "make -C /there down" in check_containers([container("postgres", "/there")], HERE)[0]


def test_data_whose_password_is_gone_is_told_before_a_new_password_hides_it() -> None:
    assert "make down volumes=1" in check_data(has_data=True, is_drawn=True)[0]
    assert check_data(has_data=True, is_drawn=False) == []
    assert check_data(has_data=False, is_drawn=True) == []


def test_an_engine_with_less_memory_than_the_stack_may_take_is_told_both() -> None:
    small = Engine(architecture="amd64", memory_bytes=200 * 2**20, limits_memory=True)
    assert "may take 224 MiB, and the engine has 200 MiB" in check_memory(STACK, small)[0]
    assert check_memory(STACK, ENGINE) == []


def test_people_are_told_of_a_full_machine_and_of_limits_that_do_not_hold_and_may_go_on(tmp_path: Path) -> None:
    assert notes_on(STACK, ENGINE, meminfo(tmp_path, 500)) == []
    assert "100 MiB are free" in notes_on(STACK, ENGINE, meminfo(tmp_path, 100))[0]
    assert notes_on(STACK, ENGINE, tmp_path / "none") == []
    lax = Engine(architecture="amd64", memory_bytes=8 * 2**30, limits_memory=False)
    assert "enforces no memory limits" in notes_on(STACK, lax, meminfo(tmp_path, 500))[0]


def test_a_file_of_secrets_that_others_could_read_is_taken_away_from_them_once(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert tighten(path) is False
    path.touch(0o640)
    assert tighten(path) is True
    assert path.stat().st_mode & 0o777 == 0o600
    assert tighten(path) is False
