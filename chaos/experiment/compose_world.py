"""A world whose system is in the containers of a Compose project that runs already."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from chaos.experiment.compose_load import shown_to_containers
from chaos.experiment.compose_stage import ComposeStage
from chaos.experiment.errors import RunError
from chaos.experiment.load_process import LoadProcess
from chaos.experiment.machine import read_cpu
from chaos.experiment.world import SCRAPE_TIMEOUT_S, World
from chaos.http_get import http_get
from chaos.targets.choice import project_name
from chaos.targets.compose.docker_engine import DockerEngine
from chaos.targets.compose.recreation import DockerCompose
from chaos.targets.errors import TargetError
from chaos.targets.system_target import SystemTarget


@contextmanager
def compose_world() -> Iterator[World]:
    """The world of `chaos run --target compose`; in the end the services are as they were in the beginning.

    Raises:
        NotRunningError: No such project runs.
        TargetError: It cannot be used, or could not be put back.
        RunError: Nor could it after the run had failed.
    """
    stage = ComposeStage(DockerEngine(), project_name(), DockerCompose())
    stage.open()
    try:
        yield world_of(stage)
    except BaseException as error:
        try:
            stage.close()
        except TargetError as left:
            why = str(error) or "the run was interrupted"
            raise RunError(f"{why}; and the services could not be put back: {left}; start them anew: make up") from error
        raise
    stage.close()


def world_of(stage: ComposeStage) -> World:
    """The same, on a stage that somebody else opens and closes."""
    return World(
        launch=stage.launch,
        stop=stage.stop,
        system=lambda _state: stage.system,
        target=lambda _state: SystemTarget(stage.system),
        load=lambda schedule: LoadProcess(shown_to_containers(schedule, project_name())),
        get=http_get,
        scrape=partial(http_get, timeout_s=SCRAPE_TIMEOUT_S),
        now=time.time,
        sleep=time.sleep,
        cpu=read_cpu,
        elsewhere=stage,
    )
