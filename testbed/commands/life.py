"""Commands that start and stop: `up`, `down`, `restart`."""

import os
import time
from pathlib import Path
from typing import Final

import click

from observability.trace_options import TracePath
from services.kit.settings import check_names
from services.policy import Profile
from testbed.collector import check_collector
from testbed.commands.local_only import local_only
from testbed.commands.options import parse_target, state_option
from testbed.control import ControlError, NotRunningError, RestartRequest, SystemStatus, ask, status
from testbed.launch import LaunchOptions, launch, running_supervisor, stop
from testbed.request import parse_port
from testbed.screens import describe_difference, print_up
from testbed.stack.programs import is_wanted
from testbed.start_screen import StartScreen
from testbed.terminal import console

_RESTART_TIMEOUT_S: Final = 300.0


@click.command()
@click.option("--profile", type=click.Choice([str(each) for each in Profile]), default="declared", help="Which protection.")
@click.option("--without", multiple=True, metavar="PATTERN[@EDGE]", help="Switch off a pattern: 'breaker@orders->payments'.")
@click.option("--topology", type=click.Path(path_type=Path), help="Map of another system.  [default: FeastFast's]")
@click.option("--spawn", is_flag=True, help="Start every process from scratch: slower, and portable.")
@click.option("--free-ports", is_flag=True, help="Take free ports instead of the well-known ones.")
@click.option("--port", "ports", multiple=True, metavar="NAME=PORT", help="Choose a port, such as gateway=8081.")
@click.option("--no-stack", is_flag=True, help="Without Prometheus, Alertmanager and Grafana; FIREBREAK_STACK=off does the same.")
@click.option(
    "--tracing",
    type=click.Choice([str(each) for each in TracePath]),
    envvar="FIREBREAK_TRACING",
    default="default",
    help="Who makes the server spans of requests: the library's instrumentation, or a leaner middleware.",
)
@click.option(
    "--trace-ratio",
    type=click.FloatRange(0, 1),
    envvar="FIREBREAK_TRACE_RATIO",
    default=1.0,
    show_default=True,
    help="Share of traces that are recorded.",
)
@click.option(
    "--otlp", default="", envvar="FIREBREAK_OTLP_ENDPOINT", metavar="URL", help="Send spans and logs there, not to the store."
)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Keep databases here.  [default: fresh ones]")
@click.option("--database", default="", envvar="FIREBREAK_DATABASE", metavar="URL", help="Keep them on this PostgreSQL server.")
@click.option("--nats", default="", envvar="FIREBREAK_NATS", metavar="URL", help="Let this NATS server carry events.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of everything random in the services.")
@state_option
def up(
    profile: str,
    without: tuple[str, ...],
    topology: Path | None,
    spawn: bool,  # noqa: FBT001 - click passes options by name
    free_ports: bool,  # noqa: FBT001 - click passes options by name
    ports: tuple[str, ...],
    no_stack: bool,  # noqa: FBT001 - click passes options by name
    tracing: str,
    trace_ratio: float,
    otlp: str,
    data: Path | None,
    database: str,
    nats: str,
    seed: int,
    state: Path,
) -> None:
    """Start the system and leave it running.

    Each start has fresh data, unless --data or --database says where to keep it. On a PostgreSQL server each service has a
    database and a role of its own; set FIREBREAK_DATABASE instead of --database to keep its password off the command line.
    FIREBREAK_NATS does the same for --nats. Prometheus, Alertmanager and Grafana run beside it as far as they are on the PATH.
    """
    check_names(os.environ)
    if data is not None and database:
        raise click.UsageError("--data keeps databases in a folder, and --database on a server; give one of the two")
    wanted = LaunchOptions(
        state=state,
        topology=topology,
        profile=Profile(profile),
        without=without,
        free_ports=free_ports,
        ports=dict(map(parse_port, ports)),
        stack=is_wanted(os.environ) and not no_stack,
        tracing=TracePath(tracing),
        trace_ratio=trace_ratio,
        spawn=spawn,
        otlp=check_collector(otlp),
        data=data,
        database=database,
        nats=nats,
        seed=seed,
    )
    out = console()
    if running_supervisor(state) is not None:
        system = _settled(state)
        difference = describe_difference(system, wanted)
        if difference:
            raise ControlError(f"a testbed already runs in {state}, with {difference}; stop it first: testbed down")
        print_up(out, system, state, None)
        return
    began = time.monotonic()
    with StartScreen(out) as screen:
        system = launch(wanted, progress=screen.show)
    print_up(out, system, state, time.monotonic() - began)


@click.command()
@state_option
def down(state: Path) -> None:
    """Stop everything."""
    if running_supervisor(state) is None:
        console().print(f"Nothing runs in {state}.", soft_wrap=True)
        return
    stop(state)
    console().print("Stopped. Logs and traces stay until the next start.", soft_wrap=True)


@click.command()
@click.argument("target", metavar="SERVICE[/N]")
@state_option
def restart(target: str, state: Path) -> None:
    """Stop and start a service, one replica after the other."""
    service, replica = parse_target(target)
    began = time.monotonic()
    with local_only(state, f"docker compose restart {service}-{replica or 1}"):
        ask(state, RestartRequest(service=service, replica=replica), _RESTART_TIMEOUT_S)
    console().print(f"{target} is up again after {time.monotonic() - began:.1f} s.", soft_wrap=True)


def _settled(state: Path) -> SystemStatus:
    """The status of a system that somebody else has started. Raises ControlError while it starts or stops."""
    try:
        system = status(state)
    except NotRunningError:
        system = None
    if system is None or system.phase in ("starting", "stopping"):
        raise ControlError(f"a testbed in {state} is just starting or stopping; try again in a moment")
    return system
