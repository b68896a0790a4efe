"""Commands that show a running system: `status`, `open`."""

from pathlib import Path

import click

from testbed.browser import PLACES, address_of, show_address
from testbed.commands.options import state_option
from testbed.control import status
from testbed.screens import print_status
from testbed.terminal import console


@click.command("status")
@state_option
def status_command(state: Path) -> None:
    """Show every process and the faults on it."""
    print_status(console(), status(state), state)


@click.command("open")
@click.argument("place", type=click.Choice(PLACES), default=PLACES[0])
@state_option
def open_command(place: str, state: Path) -> None:
    """Open a page of the running system in the browser."""
    show_address(console(), address_of(place, state))
