"""What the commands share: the option that names a system, how a process is written, and exit codes."""

from pathlib import Path
from typing import Final

import click

from testbed.run import CURRENT

EXIT_BROKEN: Final = 1
EXIT_BAD_INPUT: Final = 2
EXIT_INTERRUPTED: Final = 130

state_option = click.option(
    "--state", type=click.Path(path_type=Path), default=CURRENT, show_default=True, help="Folder of the running system."
)
json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")


def parse_target(text: str) -> tuple[str, int | None]:
    """`orders` as (`orders`, None), `orders/2` as (`orders`, 2). Raises click.UsageError."""
    service, slash, replica = text.partition("/")
    if not service or (slash and not replica.isdecimal()):
        raise click.UsageError(f"{text!r} is no target; write a service (orders) or a replica (orders/2)")
    return service, int(replica) if slash else None
