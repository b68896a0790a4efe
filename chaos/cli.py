"""The `chaos` command: puts faults in force, shows them, ends them.

Every fault is a lease. The command may end, or be killed, right after it: the fault still ends on time.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click
from pydantic import ValidationError
from rich.console import Console

from chaos.experiment.commands import report, run
from chaos.faults import Abort, AnyFault, Error, Hang, Latency, Partition
from chaos.faults.latency import MAX_LATENCY_MS
from chaos.inject.messages import MAX_LEASE_MS
from chaos.parameters import Duration, Rate
from chaos.screen import (
    Injected,
    instances_of,
    print_experiments,
    print_healed,
    print_injected,
    print_kinds,
    print_places,
    print_status,
)
from chaos.system_option import with_system
from chaos.targets.errors import TargetError
from chaos.targets.place import Place
from chaos.targets.system import System
from chaos.targets.system_target import SystemTarget
from chaos.targets.target import ProcessFault
from services.document import DocumentError
from services.topology import Topology, load_topology
from testbed.control import ControlError, NotRunningError, SystemStatus

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
_DEFAULT_LEASE = "30s"

_target = click.argument("target")
_lease = click.option(
    "--for", "lease_ms", type=Duration(MAX_LEASE_MS), default=_DEFAULT_LEASE, show_default=True, help="When it ends by itself."
)
_rate = click.option("--rate", type=Rate(), default="100%", show_default=True, help="Share of the requests that are hit.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Inject faults into a running testbed and end them; run experiments that prove what a fault does.

    TARGET is a service (payments), a replica (payments/2) or an edge ('orders->payments', quoted: the fault is then in the
    caller, and only calls over that edge are hit).
    """


@cli.command("experiments")
def experiments() -> None:
    """Show the experiments that come with Firebreak, each with its title and its arms."""
    from chaos.experiment.experiment_file import load_experiment, shipped_experiments  # noqa: PLC0415 - healing need not wait for it

    print_experiments({name: load_experiment(path).experiment for name, path in shipped_experiments().items()})


@cli.command("list")
@with_system
def list_(system: System) -> None:
    """Show the faults and the targets there are."""
    try:
        running: SystemStatus | None = system.status()
    except NotRunningError:
        running = None
    topology = load_topology(Path(running.topology) if running else None)
    print_kinds()
    print_places(topology, running)


@cli.command()
@_target
@click.option(
    "--latency", "latency_ms", type=Duration(MAX_LATENCY_MS), required=True, help="Added to every answer, such as 300ms."
)
@click.option("--jitter", "jitter_ms", type=Duration(MAX_LATENCY_MS), default=0.0, help="Up to this much more or less.")
@_rate
@_lease
@with_system
def slow(target: str, latency_ms: float, jitter_ms: float, rate: float, lease_ms: float, system: System) -> None:
    """Make TARGET answer later."""
    _inject(system, target, lambda: Latency(latency_ms=latency_ms, jitter_ms=jitter_ms), rate, lease_ms)


@cli.command()
@_target
@click.option("--status", "status_", type=click.IntRange(400, 599), default=None, help="Answer with this status.  [default: 503]")
@click.option("--abort", is_flag=True, help="Cut the connection instead of answering.")
@_rate
@_lease
@with_system
def fail(target: str, status_: int | None, abort: bool, rate: float, lease_ms: float, system: System) -> None:  # noqa: FBT001 - click passes options by name
    """Make TARGET answer with an error, or cut its connections."""
    if abort and status_ is not None:
        raise click.UsageError("--abort cuts the connection, so there is no status; give one of the two")
    _inject(system, target, lambda: Abort() if abort else Error(status=status_ or 503), rate, lease_ms)


@cli.command()
@_target
@_rate
@_lease
@with_system
def hang(target: str, rate: float, lease_ms: float, system: System) -> None:
    """Make TARGET accept requests and not answer them."""
    _inject(system, target, Hang, rate, lease_ms)


@cli.command()
@_target
@_lease
@with_system
def partition(target: str, lease_ms: float, system: System) -> None:
    """Lose every packet between TARGET and everybody else, and tell nobody.

    A service or a replica is cut off from all: requests do not reach it, its own calls do not leave it, and answers to what it
    was doing do not come out. At the end all of it goes on. Health checks, metrics and chaos itself stay in reach.
    """
    _inject(system, target, Partition, 1.0, lease_ms)


@cli.command()
@_target
@_lease
@with_system
def kill(target: str, lease_ms: float, system: System) -> None:
    """Kill the processes of TARGET (SIGKILL) and keep them down."""
    _disturb(system, target, "kill", lease_ms)


@cli.command()
@_target
@_lease
@with_system
def pause(target: str, lease_ms: float, system: System) -> None:
    """Stop the processes of TARGET in their tracks (SIGSTOP)."""
    _disturb(system, target, "pause", lease_ms)


@cli.command("status")
@click.option("--ended", is_flag=True, help="Show the last faults that have ended as well, with their final counts.")
@with_system
def status_command(system: System, ended: bool) -> None:  # noqa: FBT001 - click passes options by name
    """Show all faults in force: what is left of each, how many requests it saw and how many it hit."""
    survey = SystemTarget(system).survey()
    print_status(survey, ended=ended)
    if survey.silent:
        raise TargetError(
            f"{', '.join(survey.silent)} did not answer (paused or overloaded?): what is injected there is not known"
        )


@cli.command()
@click.argument("target", required=False)
@with_system
def heal(target: str | None, system: System) -> None:
    """End all faults now, or those that were put at TARGET."""
    place = Place.parse(target, _map_of(system.roll())) if target else None
    healing = SystemTarget(system).heal(place)
    print_healed(healing, place)
    if healing.silent:
        raise TargetError(f"{', '.join(healing.silent)} did not answer: faults there, if any, end when their time is up")


cli.add_command(run)
cli.add_command(report)


def _inject(system: System, target: str, make: Callable[[], AnyFault], rate: float, lease_ms: float) -> None:
    try:
        fault = make()
    except ValidationError as error:
        raise click.UsageError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
    running = system.roll()
    place = Place.parse(target, _map_of(running))
    leases = SystemTarget(system).inject(place, fault, lease_ms=lease_ms, rate=rate, source=_source())
    what = f"{fault}, {rate * 100:.3g}% of requests" if rate < 1 else str(fault)
    print_injected(Injected(what, place, instances_of(leases), lease_ms, system.option, running.addresses))


def _disturb(system: System, target: str, kind: ProcessFault, lease_ms: float) -> None:
    running = system.roll()
    place = Place.parse(target, _map_of(running))
    leases = SystemTarget(system).disturb(place, kind, lease_ms=lease_ms, source=_source())
    print_injected(Injected(kind, place, instances_of(leases), lease_ms, system.option, running.addresses))


def _source() -> str:
    return f"chaos {click.get_current_context().info_name}"


def _map_of(running: SystemStatus) -> Topology:
    return load_topology(Path(running.topology))


def main() -> NoReturn:
    """Runs the command; every failure is one sentence on standard error."""
    try:
        sys.exit(cli.main(prog_name="chaos", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        _fail(error.format_message())
    except click.ClickException as error:
        _fail(f"chaos: {error.format_message()}")
    except (TargetError, ControlError, DocumentError, OSError) as error:
        _fail(f"chaos: {error}")
    except (click.Abort, KeyboardInterrupt):
        Console(stderr=True).print("chaos: interrupted; faults that were set end with their leases")
        sys.exit(EXIT_INTERRUPTED)


def _fail(message: str) -> NoReturn:
    Console(stderr=True, highlight=False).print(message, markup=False, soft_wrap=True)
    sys.exit(EXIT_BAD_INPUT)


if __name__ == "__main__":
    main()
