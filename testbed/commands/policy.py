"""`testbed policy`: what protects the running system, and changes of it for a while."""

from typing import Final

import click

from chaos.parameters import Duration
from chaos.system_option import with_system
from chaos.targets.errors import TargetError, UnknownPlaceError
from chaos.targets.place import Place
from chaos.targets.system import System
from services.document import did_you_mean
from services.kit.policies.messages import MAX_LEASE_MS
from services.policy import Profile
from services.policy.assignment import parse_assignments
from services.policy.change import Change, Removal, Reprofile, Setting
from services.topology import Topology
from testbed.commands.options import json_option
from testbed.policies.document import made_json, reset_json, survey_json
from testbed.policies.screen import print_made, print_overview, print_place, print_reset
from testbed.policies.target import PolicyTarget
from testbed.terminal import console

_DEFAULT_LEASE: Final = "60s"
_SHOW: Final = "show"
_VALUED: Final = ("--state", "--target")

_lease = click.option(
    "--for", "lease_ms", type=Duration(MAX_LEASE_MS), default=_DEFAULT_LEASE, show_default=True, help="When it ends by itself."
)


class _PlaceOrCommand(click.Group):
    """A group whose first word may also be a place, or nothing at all: both show what is in force."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts the command in front, also one that need not be written. Raises UsageError for words that are neither."""
        words = _words(args)
        first = args[words[0]] if words else ""
        if first in self.commands:
            args = [first, *args[: words[0]], *args[words[0] + 1 :]]
        elif len(words) > 1:
            allowed = self.list_commands(ctx)
            guess = did_you_mean(first, allowed)
            raise click.UsageError(f"{first!r} is no command{guess}; allowed: {', '.join(allowed)}, or one place alone")
        elif not args or args[0] not in ctx.help_option_names:
            args = [_SHOW, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Those that have to be written."""
        return [name for name in super().list_commands(ctx) if name != _SHOW]


def _words(args: list[str]) -> list[int]:
    """Where in `args` neither an option nor what --state and --target are given stands."""
    values = {index + 1 for index, each in enumerate(args) if each in _VALUED}
    return [index for index, each in enumerate(args) if not each.startswith("-") and index not in values]


@click.group(
    "policy",
    cls=_PlaceOrCommand,
    options_metavar="[PLACE] [--json] [--target NAME]",
    subcommand_metavar="| COMMAND ...",
)
def policy_command() -> None:
    """Show what protects every edge and service, and change it for a while.

    PLACE is an edge ('orders->payments', quoted) or a service (payments): every parameter of it, declared beside in force.

    A change is a lease, as a fault is: it ends by itself, whatever becomes of this command.
    """


@policy_command.command(_SHOW, hidden=True)
@click.argument("place", required=False)
@json_option
@with_system
def show(place: str | None, as_json: bool, system: System) -> None:  # noqa: FBT001 - click passes options by name
    """Show what is in force, at PLACE or everywhere."""
    target = PolicyTarget(system)
    where = _place(place, target.topology(), or_command=True) if place else None
    survey = target.survey()
    if as_json:
        click.echo(survey_json(survey, where))
    elif where:
        print_place(console(), survey, where)
    else:
        print_overview(console(), survey)
    if survey.silent:
        raise TargetError(
            f"{', '.join(survey.silent)} did not answer (paused or overloaded?): what is in force there is not known"
        )


@policy_command.command("set")
@click.argument("place")
@click.argument("assignments", metavar="PATTERN.PARAMETER=VALUE...", nargs=-1, required=True)
@_lease
@json_option
@with_system
def set_(place: str, assignments: tuple[str, ...], lease_ms: float, as_json: bool, system: System) -> None:  # noqa: FBT001 - click passes options by name
    """Change parameters of an edge or a service, together.

    Such as retry.max_attempts=5 timeout.attempt=300ms of 'orders->payments', or limit.max_limit=30 of payments. Setting a pattern
    that is off switches it on.
    """
    target = PolicyTarget(system)
    change = Setting(place=_place(place, target.topology()), values=parse_assignments(assignments))
    _make(target, change, lease_ms, system, as_json=as_json)


@policy_command.command("without")
@click.argument("switch", metavar="PATTERN[@PLACE]")
@_lease
@json_option
@with_system
def without(switch: str, lease_ms: float, as_json: bool, system: System) -> None:  # noqa: FBT001 - click passes options by name
    """Switch off a pattern, everywhere or at PLACE.

    Such as bulkhead, 'breaker@orders->payments' or limit@payments.
    """
    target = PolicyTarget(system)
    parsed = target.topology().switch(switch)
    _make(target, Removal(pattern=parsed.pattern, place=parsed.place), lease_ms, system, as_json=as_json)


@policy_command.command("profile")
@click.argument("profile", type=click.Choice([str(each) for each in Profile]))
@_lease
@json_option
@with_system
def profile_(profile: str, lease_ms: float, as_json: bool, system: System) -> None:  # noqa: FBT001 - click passes options by name
    """Put another profile in force everywhere.

    It takes the place of the profile and switches that the system was started with, and of all earlier changes.
    """
    _make(PolicyTarget(system), Reprofile(profile=Profile(profile)), lease_ms, system, as_json=as_json)


@policy_command.command("reset")
@click.argument("place", required=False)
@json_option
@with_system
def reset(place: str | None, as_json: bool, system: System) -> None:  # noqa: FBT001 - click passes options by name
    """End changes now, all or those made at PLACE."""
    target = PolicyTarget(system)
    where = _place(place, target.topology()) if place else None
    done = target.reset(where)
    if as_json:
        click.echo(reset_json(done))
    else:
        print_reset(console(), done, where)
    if done.silent:
        raise TargetError(f"{', '.join(done.silent)} did not answer: changes there, if any, end when their time is up")


def _make(target: PolicyTarget, change: Change, lease_ms: float, system: System, *, as_json: bool) -> None:
    made = target.make(change, lease_ms, f"testbed policy {click.get_current_context().info_name}")
    if as_json:
        click.echo(made_json(change, made, lease_ms))
    else:
        print_made(console(), change, made, lease_ms, system.option)


def _place(text: str, topology: Topology, *, or_command: bool = False) -> str:
    """An edge or a service. Raises TargetError with what is allowed."""
    try:
        place = Place.parse(text, topology)
    except UnknownPlaceError as error:
        raise UnknownPlaceError(f"{error}; or a command: set, without, profile, reset" if or_command else str(error)) from None
    if place.replica is not None:
        raise UnknownPlaceError(f"{text}: all replicas of a service have the same policy; name {place.service}")
    return str(place)
