"""The Dockerfile, read line by line: what is pinned, what is left out, and who runs it."""

import re
from dataclasses import dataclass, field
from typing import Final

import pytest

from testbed.interpreter import interpreter_environment
from tests.deploy.compose_file import ROOT, SERVICES

LINES: Final = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8")).splitlines()
INSTRUCTIONS: Final = [tuple(line.split(None, 1)) for line in LINES if line.strip() and not line.startswith("#")]
IGNORED: Final = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")


@dataclass
class Stage:
    """One stage of the build."""

    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def of(self, name: str) -> list[str]:
        return [value for each, value in self.instructions if each == name]


def stages() -> dict[str, Stage]:
    found: dict[str, Stage] = {}
    for name, value in INSTRUCTIONS:
        if name == "FROM":
            base, _as, called = value.split()
            found[called] = Stage(base)
        elif found:
            list(found.values())[-1].instructions.append((name, value))
    return found


STAGES: Final = stages()
SHIPPED: Final = {each["build"]["target"] for each in SERVICES.values() if "build" in each}


def chain(target: str) -> list[Stage]:
    """The stages that a target consists of, the last first; what it only copies from is left out."""
    found = [STAGES[target]]
    while found[-1].base in STAGES:
        found.append(STAGES[found[-1].base])
    return found


def test_the_base_is_one_fixed_version() -> None:
    bases = {stage.base for stage in STAGES.values()} - set(STAGES)
    arguments = dict(value.split("=", 1) for name, value in INSTRUCTIONS if name == "ARG")
    resolved = {re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], base) for base in bases}
    assert all(re.fullmatch(r"[a-z/]+:\d+\.\d+\.\d+-[\w.-]+", each) for each in resolved), resolved


def test_processes_in_containers_start_in_the_environment_of_those_outside() -> None:
    told = dict(pair.split("=", 1) for value in STAGES["base"].of("ENV") for pair in value.split())
    outside = interpreter_environment()
    assert {name: told[name] for name in told if name.startswith("MALLOC_")} == {
        name: outside[name] for name in outside if name.startswith("MALLOC_")
    }
    assert told["PYTHONUNBUFFERED"] == outside["PYTHONUNBUFFERED"]


def test_the_targets_of_the_compose_file_are_stages() -> None:
    assert {"service", "load"} == SHIPPED
    assert set(STAGES) >= SHIPPED


@pytest.mark.parametrize("target", sorted(SHIPPED))
def test_what_is_shipped_runs_as_a_number_that_is_not_root_s(target: str) -> None:
    (user, *_) = [user for stage in chain(target) for user in stage.of("USER")]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)


@pytest.mark.parametrize("target", sorted(SHIPPED))
def test_what_is_shipped_was_not_built_where_it_is(target: str) -> None:
    runs = [run for stage in chain(target) for run in stage.of("RUN")]
    assert not any(word in run for run in runs for word in ("pip ", "apt-get", "gcc", "curl", "wget"))


def test_packages_come_with_hashes_as_wheels_and_nothing_is_fetched_otherwise() -> None:
    installs = [run for stage in STAGES.values() for run in stage.of("RUN") if "pip install" in run]
    assert installs
    assert all("--require-hashes" in run and "--only-binary=:all:" in run for run in installs)
    assert not any(name == "ADD" or "curl" in value or "wget" in value for name, value in INSTRUCTIONS)


def test_no_secret_is_baked_in() -> None:
    settings = [value for stage in STAGES.values() for name in ("ENV", "ARG") for value in stage.of(name)]
    assert not re.search(r"TOKEN|PASSWORD|SECRET|KEY", " ".join(settings))
    assert IGNORED[next(index for index, line in enumerate(IGNORED) if line and not line.startswith("#"))] == "*"
    assert "!.env" not in IGNORED


def test_a_service_says_whether_it_is_well_often_while_it_starts_and_seldom_afterwards() -> None:
    (check,) = STAGES["service"].of("HEALTHCHECK")
    assert "--start-interval=" in check
    assert int(re.search(r"--interval=(\d+)s", check)[1]) >= 10  # type: ignore[index]  # a missing one is a failure too


def test_commands_are_lists_so_that_signals_reach_the_process() -> None:
    assert all(value.startswith("[") for name, value in INSTRUCTIONS if name in ("CMD", "ENTRYPOINT"))
