"""Commands about what services have written down: `verify`, `dead-letters`, `replay`."""

from typing import Final

import click

from chaos.parameters import Duration
from chaos.system_option import with_system
from chaos.targets.system import System
from testbed.commands.options import EXIT_BROKEN
from testbed.dead_letter_screen import dead_letters_json, print_dead_letters, print_replayed
from testbed.dead_letters import ReplayError, consumers_of, replay
from testbed.terminal import console
from testbed.verify import verify_running
from testbed.verify_screen import print_verification, verification_json

_MAX_WAIT_MS: Final = 600_000.0


@click.command("verify")
@click.option("--wait", "wait_ms", type=Duration(_MAX_WAIT_MS), default="30s", show_default=True, help="Longest wait.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_system
def verify_command(wait_ms: float, as_json: bool, system: System) -> int:  # noqa: FBT001 - click passes options by name
    """Check that no order was lost or doubled, from the services' own books.

    Waits for what is under way to finish. Exit code 0: every invariant holds; 1: one does not; 2: the books cannot be read.
    """
    done = verify_running(system, wait_ms / 1_000)
    if as_json:
        click.echo(verification_json(done))
    else:
        print_verification(console(), done)
    return EXIT_BROKEN if done.broken else 0


@click.command("dead-letters")
@click.argument("service", required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs, and with what arrived.")
@with_system
def dead_letters_command(service: str | None, as_json: bool, system: System) -> None:  # noqa: FBT001 - click passes options by name
    """Show events that a service could not handle, and why."""
    consumers = consumers_of(system)
    letters = {name: consumers.letters(name) for name in ([service] if service else consumers.names)}
    if as_json:
        click.echo(dead_letters_json(letters))
    else:
        print_dead_letters(console(), letters, system.option)


@click.command("replay")
@click.argument("service")
@click.argument("event_id", metavar="EVENT", required=False)
@click.option("--all", "replay_all", is_flag=True, help="All dead letters of the service, the oldest first.")
@with_system
def replay_command(service: str, event_id: str | None, replay_all: bool, system: System) -> int:  # noqa: FBT001 - click passes options by name
    """Have a service handle a dead letter after all.

    Exit code 0: it did; 1: an event failed again; 2: there is no such event or service, or it does not answer.
    """
    if bool(event_id) == replay_all:
        raise click.UsageError("name an event, or give --all")
    consumers = consumers_of(system)
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
