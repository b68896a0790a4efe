"""The `testbed` command: starts a system on this machine, shows it, puts load on it, stops it."""

import sys
import time
from pathlib import Path
from typing import Final, NoReturn

import click

from chaos.experiment.commands import run
from chaos.http_get import FetchError
from chaos.parameters import Duration
from chaos.targets.errors import TargetError
from services.policy import Profile
from services.topology import load_topology
from testbed.browser import PLACES, NothingToOpenError, address_of, show_address
from testbed.control import ControlError, NotRunningError, RestartRequest, SystemStatus, ask, status
from testbed.dead_letter_screen import dead_letters_json, print_dead_letters, print_replayed
from testbed.dead_letters import ReplayError, consumers_of, replay
from testbed.launch import LaunchOptions, launch, running_supervisor, stop
from testbed.locust_command import WEB_PORT, LoadError, LoadOptions, run_load
from testbed.log_view import LEVELS, LogFilter, follow, log_files, tail
from testbed.request import parse_port
from testbed.run import CURRENT, RunFolder
from testbed.screens import describe_difference, print_status, print_up
from testbed.start_screen import StartScreen
from testbed.terminal import console, print_log_line
from testbed.verify import verify_running
from testbed.verify_screen import print_verification, verification_json

EXIT_BROKEN: Final = 1
EXIT_BAD_INPUT: Final = 2
EXIT_INTERRUPTED: Final = 130
_DEMO: Final = "delivery-outage"
_RESTART_TIMEOUT_S: Final = 300.0
_MAX_USERS: Final = 10_000
_MAX_LOAD_MS: Final = 3_600_000.0
_MAX_LINES: Final = 10_000
_MAX_WAIT_MS: Final = 600_000.0

_state = click.option(
    "--state", type=click.Path(path_type=Path), default=CURRENT, show_default=True, help="Folder of the running system."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Run a whole system of services on this machine, to observe it and to break it."""


@cli.command()
@click.option("--profile", type=click.Choice([str(each) for each in Profile]), default="declared", help="Which protection.")
@click.option("--without", multiple=True, metavar="PATTERN[@EDGE]", help="Switch off a pattern: 'breaker@orders->payments'.")
@click.option("--topology", type=click.Path(path_type=Path), help="Map of another system.  [default: FeastFast's]")
@click.option("--spawn", is_flag=True, help="Start every process from scratch: slower, and portable.")
@click.option("--free-ports", is_flag=True, help="Take free ports instead of the well-known ones.")
@click.option("--port", "ports", multiple=True, metavar="NAME=PORT", help="Choose a port, such as gateway=8081.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Keep databases here.  [default: fresh ones]")
@click.option("--database", default="", envvar="FIREBREAK_DATABASE", metavar="URL", help="Keep them on this PostgreSQL server.")
@click.option("--nats", default="", envvar="FIREBREAK_NATS", metavar="URL", help="Let this NATS server carry events.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of everything random in the services.")
@_state
def up(
    profile: str,
    without: tuple[str, ...],
    topology: Path | None,
    spawn: bool,  # noqa: FBT001 - click passes options by name
    free_ports: bool,  # noqa: FBT001 - click passes options by name
    ports: tuple[str, ...],
    data: Path | None,
    database: str,
    nats: str,
    seed: int,
    state: Path,
) -> None:
    """Start the system and leave it running.

    Each start has fresh data, unless --data or --database says where to keep it. On a PostgreSQL server each service has a
    database and a role of its own; set FIREBREAK_DATABASE instead of --database to keep its password off the command line.
    FIREBREAK_NATS does the same for --nats.
    """
    if data is not None and database:
        raise click.UsageError("--data keeps databases in a folder, and --database on a server; give one of the two")
    wanted = LaunchOptions(
        state=state,
        topology=topology,
        profile=Profile(profile),
        without=without,
        free_ports=free_ports,
        ports=dict(map(parse_port, ports)),
        spawn=spawn,
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


@cli.command()
@_state
def down(state: Path) -> None:
    """Stop everything."""
    if running_supervisor(state) is None:
        console().print(f"Nothing runs in {state}.", soft_wrap=True)
        return
    stop(state)
    console().print("Stopped. Logs and traces stay until the next start.", soft_wrap=True)


@cli.command("status")
@_state
def status_command(state: Path) -> None:
    """Show every process and the faults on it."""
    print_status(console(), status(state), state)


@cli.command()
@click.argument("target", metavar="SERVICE[/N]")
@_state
def restart(target: str, state: Path) -> None:
    """Stop and start a service, one replica after the other."""
    service, replica = _parse_target(target)
    began = time.monotonic()
    ask(state, RestartRequest(service=service, replica=replica), _RESTART_TIMEOUT_S)
    console().print(f"{target} is up again after {time.monotonic() - began:.1f} s.", soft_wrap=True)


@cli.command()
@click.argument("target", metavar="[SERVICE[/N]]", required=False)
@click.option("-f", "--follow", "keep_on", is_flag=True, help="Go on with what is written from now on.")
@click.option("--level", type=click.Choice(LEVELS), default="debug", help="This level and above.")
@click.option("--trace", "trace_id", default="", metavar="ID", help="Lines of one trace; the beginning of its id is enough.")
@click.option("-n", "--lines", "count", type=click.IntRange(0, _MAX_LINES), default=50, show_default=True, help="So many lines.")
@_state
def logs(target: str | None, keep_on: bool, level: str, trace_id: str, count: int, state: Path) -> None:  # noqa: FBT001 - click passes options by name
    """Show what processes say, all replicas merged by time."""
    service, replica = _parse_target(target) if target else (None, None)
    files = log_files(RunFolder(state).logs, service, replica)
    wanted = LogFilter(level, trace_id.lower())
    out = console()
    for line in tail(files, wanted, count):
        print_log_line(out, line)
    if keep_on:
        for line in follow(files, wanted, lambda: running_supervisor(state) is not None):
            print_log_line(out, line)


@cli.command()
@click.option("--ui", is_flag=True, help="With Locust's web page, where the load is started and changed.")
@click.option("--users", type=click.IntRange(1, _MAX_USERS), default=20, show_default=True, help="Arrivals a second.")
@click.option("--mix", metavar="JOURNEY=WEIGHT,...", help="Which journeys, such as browse=25,order=25,track=22,sign_in=2.")
@click.option("--seed", type=click.IntRange(0), help="Same seed, same arrivals and choices.  [default: drawn]")
@click.option("--for", "duration_ms", type=Duration(_MAX_LOAD_MS), help="How long.  [default: 1m, with --ui until stopped]")
@click.option("--record", type=click.Path(path_type=Path), help="Folder for a record of every request.")
@click.option("--web-port", type=click.IntRange(1, 65_535), default=WEB_PORT, show_default=True, help="Port of the web page.")
@_state
def load(
    ui: bool,  # noqa: FBT001 - click passes options by name
    users: int,
    mix: str | None,
    seed: int | None,
    duration_ms: float | None,
    record: Path | None,
    web_port: int,
    state: Path,
) -> None:
    """Send customers, who come whether or not the system keeps up."""
    if ui and record:
        raise click.UsageError("--record keeps a fixed schedule, and --ui has none; give one of the two")
    system = status(state)
    entry = load_topology(Path(system.topology)).entry
    options = LoadOptions(
        users=users,
        duration_s=duration_ms / 1000 if duration_ms else None,
        mix=mix,
        seed=seed,
        record=record,
        web_port=web_port if ui else None,
    )
    sys.exit(run_load(options, system.addresses[entry], console()))


@cli.command("verify")
@click.option("--wait", "wait_ms", type=Duration(_MAX_WAIT_MS), default="30s", show_default=True, help="Longest wait.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@_state
def verify_command(wait_ms: float, as_json: bool, state: Path) -> int:  # noqa: FBT001 - click passes options by name
    """Check that no order was lost or doubled, from the services' own books.

    Waits for what is under way to finish. Exit code 0: every invariant holds; 1: one does not; 2: the books cannot be read.
    """
    done = verify_running(state, wait_ms / 1_000)
    if as_json:
        print(verification_json(done))
    else:
        print_verification(console(), done)
    return EXIT_BROKEN if done.broken else 0


@cli.command("dead-letters")
@click.argument("service", required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs, and with what arrived.")
@_state
def dead_letters_command(service: str | None, as_json: bool, state: Path) -> None:  # noqa: FBT001 - click passes options by name
    """Show events that a service could not handle, and why."""
    consumers = consumers_of(state)
    letters = {name: consumers.letters(name) for name in ([service] if service else consumers.names)}
    if as_json:
        print(dead_letters_json(letters))
    else:
        print_dead_letters(console(), letters, state)


@cli.command("replay")
@click.argument("service")
@click.argument("event_id", metavar="EVENT", required=False)
@click.option("--all", "replay_all", is_flag=True, help="All dead letters of the service, the oldest first.")
@_state
def replay_command(service: str, event_id: str | None, replay_all: bool, state: Path) -> int:  # noqa: FBT001 - click passes options by name
    """Have a service handle a dead letter after all.

    Exit code 0: it did; 1: an event failed again; 2: there is no such event or service, or it does not answer.
    """
    if bool(event_id) == replay_all:
        raise click.UsageError("name an event, or give --all")
    consumers = consumers_of(state)
    found = sorted(consumers.letters(service), key=lambda each: each.at) if replay_all else ()
    wanted = [each.event_id for each in found] if replay_all else [event_id or ""]
    failures = []
    for each in wanted:
        try:
            replay(consumers, service, each)
        except ReplayError as error:
            failures.append(str(error))
    print_replayed(console(), service, len(wanted) - len(failures), failures)
    return EXIT_BROKEN if failures else 0


@cli.command("open")
@click.argument("place", type=click.Choice(PLACES), default=PLACES[0])
@_state
def open_command(place: str, state: Path) -> None:
    """Open a page of the running system in the browser."""
    show_address(console(), address_of(place, state))


@cli.command()
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Of arrivals and choices.  [default: the experiment's]")
@click.pass_context
def demo(context: click.Context, seed: int | None) -> int:
    """Prove that a dead Deliveries service stops nobody from ordering.

    Runs the experiment delivery-outage on two fresh systems, one protected and one not, and takes about 150 s.
    """
    code: int = context.invoke(run, experiment=_DEMO, arms=(), seed=seed, scale=1.0)
    return code


def _settled(state: Path) -> SystemStatus:
    """The status of a system that somebody else has started. Raises ControlError while it starts or stops."""
    try:
        system = status(state)
    except NotRunningError:
        system = None
    if system is None or system.phase in ("starting", "stopping"):
        raise ControlError(f"a testbed in {state} is just starting or stopping; try again in a moment")
    return system


def _parse_target(text: str) -> tuple[str, int | None]:
    service, slash, replica = text.partition("/")
    if not service or (slash and not replica.isdecimal()):
        raise click.UsageError(f"{text!r} is no target; write a service (orders) or a replica (orders/2)")
    return service, int(replica) if slash else None


def main() -> NoReturn:
    """Runs the command; every failure is one clear text on standard error."""
    try:
        sys.exit(cli.main(prog_name="testbed", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        _fail(error.format_message())
    except click.ClickException as error:
        _fail(f"testbed: {error.format_message()}")
    except BrokenPipeError:  # `testbed logs | head` has seen enough.
        sys.stderr.close()
        sys.exit(0)
    except (ControlError, TargetError, LoadError, NothingToOpenError, FetchError, LookupError, ValueError, OSError) as error:
        _fail(f"testbed: {error}")
    except (click.Abort, KeyboardInterrupt):
        console(sys.stderr).print("testbed: interrupted")
        sys.exit(EXIT_INTERRUPTED)


def _fail(message: str) -> NoReturn:
    console(sys.stderr).print(message, markup=False, soft_wrap=True)
    sys.exit(EXIT_BAD_INPUT)


if __name__ == "__main__":
    main()
