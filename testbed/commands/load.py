"""Commands that send customers: `load`, and `demo`, which judges what a fault does to them."""

import sys
from pathlib import Path
from typing import Final

import click

from chaos.experiment.commands import run
from chaos.parameters import Duration
from services.topology import load_topology
from testbed.commands.local_only import local_only
from testbed.commands.options import state_option
from testbed.control import status
from testbed.locust_command import WEB_PORT, LoadOptions, run_load
from testbed.run import RunFolder
from testbed.terminal import console

_DEMO: Final = "delivery-outage"
_MAX_USERS: Final = 10_000
_MAX_LOAD_MS: Final = 3_600_000.0


@click.command()
@click.option("--ui", is_flag=True, help="With Locust's web page, where the load is started and changed.")
@click.option("--users", type=click.IntRange(1, _MAX_USERS), default=20, show_default=True, help="Arrivals a second.")
@click.option("--mix", metavar="JOURNEY=WEIGHT,...", help="Which journeys, such as browse=25,order=25,track=22,sign_in=2.")
@click.option("--seed", type=click.IntRange(0), help="Same seed, same arrivals and choices.  [default: drawn]")
@click.option("--for", "duration_ms", type=Duration(_MAX_LOAD_MS), help="How long.  [default: 1m, with --ui until stopped]")
@click.option("--record", type=click.Path(path_type=Path), help="Folder for a record of every request.")
@click.option("--web-port", type=click.IntRange(1, 65_535), default=WEB_PORT, show_default=True, help="Port of the web page.")
@state_option
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
    with local_only(state, "make load"):
        system = status(state)
    entry = load_topology(Path(system.topology)).entry
    options = LoadOptions(
        users=users,
        duration_s=duration_ms / 1000 if duration_ms else None,
        mix=mix,
        seed=seed,
        record=record,
        web_port=web_port if ui else None,
        run=system.run_id,
    )
    sys.exit(run_load(options, system.addresses[entry], RunFolder(state).targets, console()))


@click.command()
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Of arrivals and choices.  [default: the experiment's]")
@click.pass_context
def demo(context: click.Context, seed: int | None) -> int:
    """Prove that a dead Deliveries service stops nobody from ordering.

    Runs the experiment delivery-outage on two fresh systems, one protected and one not, and takes about 150 s; on a machine
    that is too slow for its customers they come more slowly, and it takes up to seven minutes.
    """
    code: int = context.invoke(run, experiment=_DEMO, arms=(), seed=seed, scale=1.0)
    return code
