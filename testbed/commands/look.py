"""Commands that show a running system: `status`, `open`."""

import click

from chaos.system_option import with_system
from chaos.targets.system import System
from testbed.browser import PLACES, address_of, show_address
from testbed.screens import print_status
from testbed.terminal import console


@click.command("status")
@with_system
def status_command(system: System) -> None:
    """Show every process and the faults on it."""
    print_status(console(), system.status(), system.logs_command)


@click.command("open")
@click.argument("place", type=click.Choice(PLACES), default=PLACES[0])
@with_system
def open_command(place: str, system: System) -> None:
    """Open a page of the running system in the browser."""
    show_address(console(), address_of(place, system))
