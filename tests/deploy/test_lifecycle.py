"""The full stack's life, with a `docker` command that only says what it is told to."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from chaos.targets.compose.docker import Answer
from chaos.targets.compose.engine import Container
from testbed.compose.env_file import EnvFile
from testbed.compose.errors import ComposeError
from testbed.compose.lifecycle import Surroundings, down, load, missing_secrets, stop_load, up
from testbed.compose.preflight import Listener
from testbed.compose.project import Project
from tests.deploy.fakes import FakeDocker, container, said

CONFIG = {
    "gateway-1": {"mem_limit": "117440512", "ports": [{"host_ip": "127.0.0.1", "target": 8080, "published": "8080"}]},
    "locust": {"mem_limit": "83886080", "ports": [{"host_ip": "127.0.0.1", "target": 8089, "published": "8089"}]},
    "locust-worker": {"mem_limit": "100663296"},
}
UP = "compose up --detach --wait --wait-timeout 180"


class Place:
    """A checkout, an engine that says what a test wants, and what people were told."""

    def __init__(self, folder: Path) -> None:
        self.project = Project(folder)
        config = said(json.dumps({"services": CONFIG}))
        self.docker = FakeDocker({"compose config": config, "compose --profile load config": config})
        self.there: list[Container] = []
        self.told: list[str] = []
        self.taken: set[int] = set()
        self.environment: dict[str, str] = {}
        self.project.example.write_text("# About.\n\nPOSTGRES_PASSWORD=\nTOKEN=\nCOMPOSE_PROFILES=logs\n")
        (folder / "compose.yaml").touch()

    def answer(self, **answers: Answer) -> None:
        self.docker.answers = {**self.docker.answers, **{name.replace("_", " "): answer for name, answer in answers.items()}}

    def fail(self, fails: Mapping[str, int | BaseException]) -> None:
        self.docker.fails = fails

    def containers(self) -> Collection[Container]:
        return tuple(self.there)

    def around(self) -> Surroundings:
        return Surroundings(
            project=self.project,
            docker=self.docker,
            containers=self.containers,
            environment=self.environment,
            listener=Listener(is_free=lambda port: port not in self.taken, name=lambda _port: "nginx"),
            tell=self.told.append,
        )

    def env(self) -> dict[str, str]:
        return EnvFile.read(self.project.env_file).values


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_first_start_makes_secrets_builds_the_image_and_waits_until_all_is_healthy(place: Place) -> None:
    described = up(place.around(), logs=None)
    assert described.ports["gateway-1"] == 8_080
    assert place.docker.shown == ["compose --profile * build migrate", UP]
    assert place.project.env_file.stat().st_mode & 0o777 == 0o600
    assert set(place.env()) == {"POSTGRES_PASSWORD", "TOKEN", "COMPOSE_PROFILES"}
    assert "Made .env with random secrets." in place.told


def test_a_second_start_changes_no_secret(place: Place) -> None:
    up(place.around(), logs=None)
    before = place.project.env_file.read_text()
    up(place.around(), logs=None)
    assert place.project.env_file.read_text() == before


def test_logs_are_a_choice_that_is_kept(place: Place) -> None:
    up(place.around(), logs=False)
    assert (place.env()["COMPOSE_PROFILES"], place.env()["FIREBREAK_OTLP_LOGS_ENDPOINT"]) == ("", "none")
    up(place.around(), logs=None)
    assert place.env()["COMPOSE_PROFILES"] == ""
    up(place.around(), logs=True)
    assert (place.env()["COMPOSE_PROFILES"], place.env()["FIREBREAK_OTLP_LOGS_ENDPOINT"]) == ("logs", "http://loki:3100/otlp")


def test_a_program_that_is_not_wanted_any_more_is_ended(place: Place) -> None:
    place.there = [container("loki", str(place.project.folder))]
    up(place.around(), logs=False)
    assert "compose --profile logs rm --stop --force loki" in place.docker.shown


@pytest.mark.parametrize("problem", ["port", "shell", "half", "data", "secret"])
def test_whatever_is_found_before_starts_nothing(place: Place, problem: str) -> None:
    if problem == "port":
        place.taken = {8_080}
    elif problem == "shell":
        place.environment = {"TOKEN": "another"}
    elif problem == "half":
        place.there = [container("nats", str(place.project.folder)), container("postgres", state="dead")]
    elif problem == "data":
        place.answer(volume_inspect=said("[{}]"))
    else:
        place.project.env_file.write_text("POSTGRES_PASSWORD=postgres\n")
    with pytest.raises(ComposeError):
        up(place.around(), logs=None)
    assert place.docker.shown == []


def test_a_password_that_data_would_not_open_for_is_not_even_written_down(place: Place) -> None:
    place.answer(volume_inspect=said("[{}]"))
    with pytest.raises(ComposeError, match="the data of an earlier stack"):
        up(place.around(), logs=None)
    assert not place.project.env_file.exists()


def test_all_problems_are_told_at_once(place: Place) -> None:
    place.project.env_file.write_text("POSTGRES_PASSWORD=a\nTOKEN=b\n")
    with pytest.raises(ComposeError) as refused:
        up(place.around(), logs=None)
    assert len(str(refused.value).splitlines()) == 2


def test_a_start_that_fails_tells_the_last_words_of_who_is_not_well_and_leaves_nothing(place: Place) -> None:
    place.fail({"compose up": 1})
    place.answer(logs=said("too old\nno such role\n"))
    around = place.around()
    later = [
        container("orders-1", health="unhealthy"),
        container("nats"),
        container("migrate", state="exited", health="", exit_code=3),
    ]
    answers = iter([(), later])
    object.__setattr__(around, "containers", lambda: next(answers))
    with pytest.raises(ComposeError) as failed:
        up(around, logs=None)
    assert str(failed.value).splitlines() == [
        "the stack did not become healthy:",
        "orders-1 is unhealthy:",
        "  too old",
        "  no such role",
        "migrate is exited:",
        "  too old",
        "  no such role",
    ]
    assert place.docker.shown[-1] == "compose --profile * down"


@pytest.mark.parametrize("step", ["compose --profile * build", "compose up"])
def test_ctrl_c_leaves_nothing_behind_and_goes_on(place: Place, step: str) -> None:
    place.fail({step: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        up(place.around(), logs=None)
    assert place.docker.shown[-1] == "compose --profile * down"


def test_what_ran_before_goes_on_when_a_start_is_interrupted(place: Place) -> None:
    place.there = [container("gateway-1", str(place.project.folder))]
    place.fail({"compose up": KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        up(place.around(), logs=None)
    assert place.docker.shown[-1] == UP


def test_an_image_that_cannot_be_built_is_told_with_what_a_build_needs(place: Place) -> None:
    place.fail({"compose --profile * build": 17})
    with pytest.raises(ComposeError, match="see that this machine reaches the registries"):
        up(place.around(), logs=None)


def test_load_starts_locust_alone_beside_a_stack_that_runs(place: Place) -> None:
    place.there = [container("gateway-1", str(place.project.folder))]
    assert load(place.around(), workers=2) == 8_089
    assert place.docker.shown == [
        "compose --profile * build locust",
        "compose --profile load up --detach --no-deps --wait --wait-timeout 180 --scale locust-worker=2 locust locust-worker",
    ]


def test_load_needs_a_stack_and_a_free_port_for_its_page(place: Place) -> None:
    with pytest.raises(ComposeError, match="start it first: make up"):
        load(place.around(), workers=1)
    place.there, place.taken = [container("gateway-1")], {8_080, 8_089}
    with pytest.raises(ComposeError) as refused:
        load(place.around(), workers=1)
    assert str(refused.value).startswith(
        "port 8089 (locust) is taken by nginx; free it, or choose another in .env: FIREBREAK_LOCUST_PORT="
    )


def test_a_load_that_does_not_start_is_ended(place: Place) -> None:
    place.there = [container("gateway-1"), container("locust", health="unhealthy")]
    place.fail({"compose --profile load up": 1})
    with pytest.raises(ComposeError, match="locust is unhealthy"):
        load(place.around(), workers=1)
    assert place.docker.shown[-1] == "compose --profile load rm --stop --force locust locust-worker"


def test_a_load_that_cannot_be_ended_is_told(place: Place) -> None:
    place.fail({"compose --profile load rm": 1})
    with pytest.raises(ComposeError, match="could not end the load"):
        stop_load(place.around())


def test_down_ends_every_profile_and_keeps_data_unless_told_otherwise(place: Place) -> None:
    place.there = [container("gateway-1")]
    assert down(place.around(), volumes=False)
    assert down(place.around(), volumes=True)
    assert place.docker.shown == [
        "compose --profile * down --remove-orphans",
        "compose --profile * down --remove-orphans --volumes",
    ]


def test_down_finds_nothing_where_nothing_is_and_data_without_containers_where_it_is_to_go(place: Place) -> None:
    assert not down(place.around(), volumes=True)
    place.answer(volume_inspect=said("[{}]"))
    assert not down(place.around(), volumes=False)
    assert down(place.around(), volumes=True)


def test_a_stack_whose_secrets_are_gone_can_still_be_ended(place: Place) -> None:
    assert missing_secrets(place.project) == {"POSTGRES_PASSWORD": "unset", "TOKEN": "unset"}
    up(place.around(), logs=None)
    assert missing_secrets(place.project) == {}


def test_a_package_without_a_checkout_says_what_to_run_instead(tmp_path: Path) -> None:
    with pytest.raises(ComposeError, match="`testbed up` runs FeastFast as processes"):
        Project.here(tmp_path)
