"""Which engines and which Compose do, and what people are told of those that do not."""

import pytest

from chaos.targets.compose.docker import Answer
from testbed.compose.engine import find_engine
from testbed.compose.errors import ComposeError
from tests.deploy.fakes import INFO, NO_ENGINE, FakeDocker, said


def refusal(answers: dict[str, Answer], environment: dict[str, str] | None = None) -> str:
    with pytest.raises(ComposeError) as refused:
        find_engine(FakeDocker(answers), environment or {})
    return str(refused.value)


def test_an_engine_says_what_it_has() -> None:
    engine = find_engine(FakeDocker(), {})
    assert (engine.architecture, engine.memory_bytes) == ("amd64", 8 * 2**30)
    assert engine.limits_memory


def test_an_arm_machine_is_as_good() -> None:
    for name in ("aarch64", "arm64"):
        assert find_engine(FakeDocker({"info": said(INFO.replace("x86_64", name))}), {}).architecture == "arm64"


def test_a_processor_without_images_is_named_with_those_that_have_some() -> None:
    text = refusal({"info": said(INFO.replace("x86_64", "armv7l"))})
    assert "armv7l" in text
    assert "amd64, arm64" in text
    assert "testbed up" in text


def test_emulating_every_image_is_refused_and_the_platform_that_the_engine_has_is_not() -> None:
    assert "DOCKER_DEFAULT_PLATFORM is linux/amd64, and the engine is linux/arm64" in refusal(
        {"info": said(INFO.replace("x86_64", "aarch64"))}, {"DOCKER_DEFAULT_PLATFORM": "linux/amd64"}
    )
    assert find_engine(FakeDocker(), {"DOCKER_DEFAULT_PLATFORM": "linux/amd64"}).architecture == "amd64"


def test_an_engine_that_does_not_run_is_told_with_the_way_to_start_it() -> None:
    why = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
    text = refusal({"info": said(NO_ENGINE, err=why, code=1)})
    assert why in text
    assert "systemctl start docker" in text
    assert "testbed up" in text


def test_an_engine_that_this_user_may_not_use_is_told_with_the_ways_to_use_it() -> None:
    why = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock"
    text = refusal({"info": said(NO_ENGINE, err=why, code=1)})
    assert "usermod -aG docker" in text
    assert "rootless" in text


def test_what_the_command_says_otherwise_is_shown() -> None:
    assert "a certificate is out of date" in refusal({"info": said("", err="first\na certificate is out of date\n", code=1)})


def test_an_engine_for_windows_is_told_what_to_do() -> None:
    assert "runs windows containers" in refusal({"info": said(INFO.replace("linux", "windows"))})


@pytest.mark.parametrize("version", ["20.10.24+dfsg1", "24.0.9"])
def test_an_old_engine_is_told_which_one_is_needed(version: str) -> None:
    assert f"is version {version}, and the stack needs 25.0" in refusal({"info": said(INFO.replace("28.1.1", version))})


def test_a_missing_or_an_old_compose_is_told_where_to_get_one() -> None:
    missing = refusal({"compose version": said(err="docker: 'compose' is not a docker command.", code=1)})
    old = refusal({"compose version": said("v2.6.1\n")})
    assert "`docker compose` is not there" in missing
    assert "Docker Compose is version v2.6.1, and the stack needs 2.21" in old
    assert all("docs.docker.com/compose/install" in text for text in (missing, old))


def test_versions_are_compared_as_numbers_and_one_that_cannot_be_read_is_believed() -> None:
    for version in ("2.26.1-4", "v2.100.0", "5.0.0", "dev"):
        find_engine(FakeDocker({"compose version": said(version)}), {})


@pytest.mark.parametrize("address", ["ssh://somebody@elsewhere", "tcp://192.0.2.7:2376"])
def test_an_engine_of_another_machine_cannot_read_this_checkout(address: str) -> None:
    assert f"the engine at {address} is on another machine" in refusal({"context inspect": said(f"{address}\n")})


@pytest.mark.parametrize(
    "address", ["unix:///run/user/1000/docker.sock", "tcp://127.0.0.1:2375", "npipe:////./pipe/docker_engine", ""]
)
def test_an_engine_of_this_machine_may_be_reached_in_any_way(address: str) -> None:
    find_engine(FakeDocker({"context inspect": said(f"{address}\n")}), {})
