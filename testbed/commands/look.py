"""Commands that show a running system: `status`, `logs`, `open`."""

from pathlib import Path
from typing import Final

import click

from testbed.browser import PLACES, address_of, show_address
from testbed.commands.options import parse_target, state_option
from testbed.control import status
from testbed.launch import running_supervisor
from testbed.log_view import LEVELS, LogFilter, follow, log_files, tail
from testbed.run import RunFolder
from testbed.screens import print_status
from testbed.terminal import console, print_log_line

_MAX_LINES: Final = 10_000


@click.command("status")
@state_option
def status_command(state: Path) -> None:
    """Show every process and the faults on it."""
    print_status(console(), status(state), state)


@click.command()
@click.argument("target", metavar="[SERVICE[/N]]", required=False)
@click.option("-f", "--follow", "keep_on", is_flag=True, help="Go on with what is written from now on.")
@click.option("--level", type=click.Choice(LEVELS), default="debug", help="This level and above.")
@click.option("--trace", "trace_id", default="", metavar="ID", help="Lines of one trace; the beginning of its id is enough.")
@click.option("-n", "--lines", "count", type=click.IntRange(0, _MAX_LINES), default=50, show_default=True, help="So many lines.")
@state_option
def logs(target: str | None, keep_on: bool, level: str, trace_id: str, count: int, state: Path) -> None:  # noqa: FBT001 - click passes options by name
    """Show what processes say, all replicas merged by time."""
    service, replica = parse_target(target) if target else (None, None)
    files = log_files(RunFolder(state).logs, service, replica)
    wanted = LogFilter(level, trace_id.lower())
    out = console()
    for line in tail(files, wanted, count):
        print_log_line(out, line)
    if keep_on:
        for line in follow(files, wanted, lambda: running_supervisor(state) is not None):
            print_log_line(out, line)


@click.command("open")
@click.argument("place", type=click.Choice(PLACES), default=PLACES[0])
@state_option
def open_command(place: str, state: Path) -> None:
    """Open a page of the running system in the browser."""
    show_address(console(), address_of(place, state))
