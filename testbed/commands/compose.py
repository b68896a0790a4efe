"""`testbed compose`: the full stack in containers, started, put under load, shown and ended. `make up` comes through here."""

import os
import time
from pathlib import Path
from typing import Final

import click

from chaos.targets.compose.docker import Docker, DockerCommand
from chaos.targets.compose.docker_engine import DockerEngine
from testbed.compose.engine import find_engine
from testbed.compose.errors import ComposeError
from testbed.compose.lifecycle import Surroundings, down, load, missing_secrets, stop_load, up
from testbed.compose.preflight import Listener
from testbed.compose.project import NAME, Project
from testbed.compose.screens import print_containers, print_up
from testbed.launch import running_supervisor
from testbed.ports import HOST, is_free, listener_of
from testbed.run import CURRENT
from testbed.terminal import console

_MAX_WORKERS: Final = 16


@click.group("compose")
def compose() -> None:
    """Run the full stack in containers: FeastFast with PostgreSQL, NATS, Jaeger, Prometheus, Alertmanager, Grafana and Loki.

    Needs Docker with its Compose plugin. `make up`, `make load` and `make down` do the same.
    """


@compose.command("up")
@click.option("--logs/--no-logs", default=None, help="Whether Loki keeps the logs, from now on.  [default: as .env says]")
def up_command(logs: bool | None) -> None:  # noqa: FBT001 - click passes options by name
    """Start the stack, or what is missing of it, and wait until all of it is healthy.

    Makes .env with random secrets when there is none. Ctrl-C takes down what had started.
    """
    began = time.monotonic()
    around = _surroundings(Project.here())
    described = up(around, logs=logs)
    print_up(console(), described, time.monotonic() - began)


@compose.command("down")
@click.option("--volumes", is_flag=True, help="Remove all data as well: databases, metrics and logs.")
def down_command(volumes: bool) -> None:  # noqa: FBT001 - click passes options by name
    """End everything, the load too."""
    project = Project.here()
    ended = down(_surroundings(project, missing_secrets(project)), volumes=volumes)
    kept = "Its data is gone as well." if volumes else "Its data stays; --volumes removes it."
    console().print(f"Stopped. {kept}" if ended else "Nothing of the stack is here.", soft_wrap=True)


@compose.command("load")
@click.option("--workers", type=click.IntRange(1, _MAX_WORKERS), default=1, show_default=True, help="Processes that send.")
@click.option("--stop", is_flag=True, help="End the load.")
def load_command(workers: int, stop: bool) -> None:  # noqa: FBT001 - click passes options by name
    """Start Locust beside the stack: its web page starts and changes the load, and its workers send it."""
    around, out = _surroundings(Project.here()), console()
    if stop:
        stop_load(around)
        out.print("The load has ended.", soft_wrap=True)
        return
    port = load(around, workers)
    out.print(f"Locust's page: http://{HOST}:{port} (users are arrivals a second; end with: make load stop=1)", soft_wrap=True)


@compose.command("status")
def status_command() -> None:
    """Show every container, and the memory it takes."""
    around = _surroundings(Project.here())
    find_engine(around.docker, around.environment)
    found = around.containers()
    if not found:
        raise ComposeError("nothing of the stack is here; start it with: make up")
    told = around.docker.ask(
        "stats", "--no-stream", "--format", "{{.Name}}\t{{.MemUsage}}", *[each.id for each in found if each.runs]
    )
    memory = dict(line.split("\t", 1) for line in told.out.splitlines() if "\t" in line)
    print_containers(console(), found, memory)


def _surroundings(project: Project, variables: dict[str, str] | None = None) -> Surroundings:
    engine, docker = DockerEngine(), DockerCommand(project.folder, variables or {})
    return Surroundings(
        project=project,
        docker=docker,
        containers=lambda: engine.containers(NAME),
        environment=os.environ,
        listener=Listener(is_free=lambda port: is_free(HOST, port), name=lambda port: _listener(docker, port)),
        tell=lambda line: console().print(line, soft_wrap=True, markup=False),
    )


def _listener(docker: Docker, port: int) -> str:
    """Who has a port: a container, or a process, which may be one of a local system's."""
    published = docker.ask("ps", "--filter", f"publish={port}", "--format", "{{.Names}}").out.split()
    if published:
        return f"the container {published[0]}"
    who = listener_of(port)
    if running_supervisor(Path(CURRENT)) is None:
        return who
    return f"{who}{', and ' if who else ''}a system of `testbed up` runs here, which `testbed down` ends"
