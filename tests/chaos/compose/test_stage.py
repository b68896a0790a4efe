"""Arms of an experiment on a project that runs: made anew for each, and in the end as it was found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from chaos.experiment.compose_stage import ComposeStage
from chaos.targets.compose.engine import EngineError
from services.policy import Profile
from testbed.control import NotRunningError, ProcessFaultRequest
from testbed.launch import LaunchOptions, Report
from tests.chaos.compose.fake_engine import FakeEngine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chaos.targets.compose.project import Project


class FakeCompose:
    """Makes the containers of an engine anew: what Compose would, but for other files and healths."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.made: list[dict[str, str]] = []
        self.fails: EngineError | None = None

    def recreate(self, project: Project, variables: Mapping[str, str]) -> None:
        self.made.append(dict(variables))
        if self.fails:
            raise self.fails
        known = ("PROFILE", "WITHOUT", "RUN_ID", "ARM", "SEED", "TRACING", "NATS_STREAM")
        values = {f"FIREBREAK_{name}": variables.get(f"FIREBREAK_{name}", "") for name in known}
        for name, container in list(self.engine.found.items()):
            if "/" in name:
                database = f"{variables.get('FIREBREAK_DATABASES') or 'firebreak'}_{name.partition('/')[0]}"
                url = f"postgresql://u:p@postgres:5432/{database}"
                self.engine.environment(name, **values, FIREBREAK_DATABASE_URL=url)
                self.engine.change(name, id=f"{container.id}-{len(self.made)}", state="running", health="healthy")


@pytest.fixture
def compose(engine: FakeEngine) -> FakeCompose:
    return FakeCompose(engine)


@pytest.fixture
def stage(engine: FakeEngine, compose: FakeCompose) -> ComposeStage:
    stage = ComposeStage(engine, "firebreak", compose)
    stage.open()
    return stage


def options(state: Path, arm: str = "none", profile: Profile = Profile.NONE) -> LaunchOptions:
    return LaunchOptions(
        state=state / arm,
        topology=state / "map.yaml",
        profile=profile,
        without=("retry", "breaker"),
        seed=7,
        run_id="run-1",
        arm=arm,
    )


def test_an_arm_is_its_map_its_protection_and_fresh_data(stage: ComposeStage, compose: FakeCompose, tmp_path: Path) -> None:
    reports: list[Report] = []
    system = stage.launch(options(tmp_path), reports.append)
    (made,) = compose.made
    expected = {
        "MAP": str(tmp_path / "map.yaml"),
        "PROFILE": "none",
        "WITHOUT": "retry,breaker",
        "RUN_ID": "run-1",
        "ARM": "none",
        "SEED": "7",
        "GATEWAY_PORT": "30000",
    }
    assert {name: made[f"FIREBREAK_{name}"] for name in expected} == expected
    assert (system.profile, system.without, system.run_id) == ("none", ("retry", "breaker"), "run-1")
    assert [(each.up, each.total) for each in reports] == [(0, 9), (9, 9)]
    assert (tmp_path / "none" / "logs").is_dir()
    stage.launch(options(tmp_path, "declared"), reports.append)
    assert len({each["FIREBREAK_DATABASES"] for each in compose.made}) == 2
    assert len({each["FIREBREAK_NATS_STREAM"] for each in compose.made}) == 2


def test_in_the_end_the_services_are_as_they_were_found_and_the_arms_data_is_gone(
    engine: FakeEngine, compose: FakeCompose, tmp_path: Path
) -> None:
    for name in [each for each in engine.found if "/" in each]:
        engine.environment(name, FIREBREAK_PROFILE="timeouts_only", FIREBREAK_RUN_ID="mine")
    stage = ComposeStage(engine, "firebreak", compose)
    stage.open()
    stage.launch(options(tmp_path), lambda _: None)
    stage.close()
    arm, after = compose.made
    assert (after["FIREBREAK_PROFILE"], after["FIREBREAK_RUN_ID"], after["FIREBREAK_DATABASES"]) == (
        "timeouts_only", "mine", "firebreak",
    )  # fmt: skip
    (dropped,) = [each for each in engine.asked if "psql" in each]
    assert dropped.startswith("inside postgres")
    (deleted,) = [each for each in engine.asked if "forget-stream" in each]
    assert deleted.endswith(f"testbed.container forget-stream {arm['FIREBREAK_NATS_STREAM']}")
    assert arm["FIREBREAK_DATABASES"] != "firebreak"


def test_a_stage_without_arms_touches_nothing(stage: ComposeStage, compose: FakeCompose) -> None:
    stage.close()
    assert compose.made == []


def test_an_arm_that_a_killed_run_left_is_not_what_comes_back(engine: FakeEngine, compose: FakeCompose, tmp_path: Path) -> None:
    for name in [each for each in engine.found if "/" in each]:
        engine.environment(name, FIREBREAK_PROFILE="none", FIREBREAK_ARM="none")
    stage = ComposeStage(engine, "firebreak", compose)
    stage.open()
    stage.launch(options(tmp_path), lambda _: None)
    stage.close()
    assert compose.made[-1] == {}


def test_an_arm_that_does_not_become_healthy_is_still_followed_by_what_was_found(
    stage: ComposeStage, compose: FakeCompose, tmp_path: Path
) -> None:
    compose.fails = EngineError("docker compose could not make the services anew")
    with pytest.raises(EngineError, match="could not make"):
        stage.launch(options(tmp_path), lambda _: None)
    compose.fails = None
    stage.close()
    assert compose.made[-1]["FIREBREAK_PROFILE"] == "declared"


def test_faults_are_ended_before_an_arm_and_after_it(stage: ComposeStage, engine: FakeEngine, tmp_path: Path) -> None:
    pause = ProcessFaultRequest(kind="pause", service="users", lease_ms=60_000)
    stage.system.disturb(pause)
    stage.launch(options(tmp_path), lambda _: None)
    assert stage.system.status().leases == ()


def test_a_journal_is_that_of_all_keepers_and_of_the_engines_kills_since_the_arm_began(
    stage: ComposeStage, engine: FakeEngine, tmp_path: Path
) -> None:
    kept = tmp_path / ".testbed" / "compose" / "firebreak"
    kept.mkdir(parents=True)
    (kept / "processes.jsonl").write_text('{"t": 50, "event": "kill"}\n{"t": 150, "event": "kill"}\n', encoding="utf-8")
    engine.journal = {"users/1": '{"t": 120, "event": "pause"}\n', "orders/1": '{"t": 99, "event": "start"}'}
    lines = [json.loads(line) for line in stage.journal(100.0).splitlines()]
    assert sorted((line["t"], line["event"]) for line in lines) == [(120, "pause"), (150, "kill")]


def test_without_a_project_there_is_no_stage(engine: FakeEngine, compose: FakeCompose) -> None:
    with pytest.raises(NotRunningError, match="start it with: make up"):
        ComposeStage(engine, "other", compose).open()
