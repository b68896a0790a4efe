"""The `testbed` command: starts a system on this machine, shows it, puts load on it, stops it."""

import sys
from typing import NoReturn

import click

from chaos.http_get import FetchError
from chaos.targets.errors import TargetError
from testbed.browser import NothingToOpenError
from testbed.commands.books import dead_letters_command, replay_command, verify_command
from testbed.commands.compose import compose
from testbed.commands.life import down, restart, up
from testbed.commands.load import demo, load
from testbed.commands.logs import logs
from testbed.commands.look import open_command, status_command
from testbed.commands.options import EXIT_BAD_INPUT, EXIT_INTERRUPTED
from testbed.commands.policy import policy_command
from testbed.compose.errors import ComposeError
from testbed.control import ControlError
from testbed.locust_command import LoadError
from testbed.terminal import console


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Run a whole system of services on this machine, to observe it and to break it."""


for _command in (up, down, restart, status_command, logs, open_command, load, demo, verify_command):
    cli.add_command(_command)
cli.add_command(dead_letters_command)
cli.add_command(replay_command)
cli.add_command(policy_command)
cli.add_command(compose)


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
    except (
        ControlError,
        ComposeError,
        TargetError,
        LoadError,
        NothingToOpenError,
        FetchError,
        LookupError,
        ValueError,
        OSError,
    ) as error:
        _fail(f"testbed: {error}")
    except (click.Abort, KeyboardInterrupt):
        console(sys.stderr).print("testbed: interrupted")
        sys.exit(EXIT_INTERRUPTED)


def _fail(message: str) -> NoReturn:
    console(sys.stderr).print(message, markup=False, soft_wrap=True)
    sys.exit(EXIT_BAD_INPUT)


if __name__ == "__main__":
    main()
