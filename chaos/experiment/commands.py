"""`chaos run` and `chaos report`. What they need beyond the core install is imported only when they are used."""

import os
from collections.abc import Callable

import click

from chaos.experiment.errors import EvidenceError, RunError
from chaos.parameters import Pace
from chaos.targets.addressed import ADDRESSES
from chaos.targets.choice import COMPOSE, LOCAL, TargetName
from testbed.run import RUNS

_LAB = frozenset({"numpy", "jinja2", "markupsafe", "locust"})


@click.command("run")
@click.argument("experiment")
@click.option("--arm", "arms", multiple=True, help="Run only this arm; may be given several times.")
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), help="Of arrivals, choices and the order of arms.  [default: the file's]"
)
@click.option(
    "--scale",
    type=click.FloatRange(0.05, 20),
    default=1.0,
    show_default=True,
    help="Makes every phase so many times as long. A shorter run smokes, it does not prove: it ends INCONCLUSIVE.",
)
@click.option(
    "--pace",
    type=Pace(),
    default="auto",
    show_default=True,
    help="Below 1, customers come so many times as often, in phases so much longer. auto: 1, and less where a baseline shows the "
    "machine to be too busy. Only where the experiment's file allows it (load.slowest_pace).",
)
@click.option(
    "--target",
    type=click.Choice([LOCAL, COMPOSE]),
    default=LOCAL,
    show_default=True,
    help="Fresh local systems, or the Docker Compose project that runs: each arm makes its services anew, on fresh data.",
)
def run(experiment: str, arms: tuple[str, ...], seed: int | None, scale: float, pace: float | None, target: TargetName) -> int:
    """Run EXPERIMENT: the name of a shipped one (delivery-outage) or a YAML file.

    Each arm is a fresh system, under the same arrivals. Exit code 0: every arm is as expected; 1: one is not.
    """

    def start() -> int:
        if os.environ.get(ADDRESSES):
            raise RunError(
                "experiments start and stop whole systems, which cannot be done from inside of one; "
                f"where Docker is: chaos run {experiment} --target compose"
            )
        from chaos.experiment.runner import RunOptions  # noqa: PLC0415 - needs the lab extra
        from chaos.experiment.session import run_and_show  # noqa: PLC0415 - needs the lab extra

        options = RunOptions(seed=seed, scale=scale, pace=pace, arms=arms, runs=RUNS)
        return run_and_show(experiment, options, target=target)

    return _with_lab(start)


@click.command("report")
@click.argument("run_id", metavar="RUN", default="latest", required=False)
def report(run_id: str) -> int:
    """Judge RUN again and write its report anew, from its folder alone: a run's id, its path, or `latest`."""

    def start() -> int:
        from chaos.experiment.session import judge_and_show  # noqa: PLC0415 - needs the lab extra

        return judge_and_show(run_id)

    return _with_lab(start)


def _with_lab(start: Callable[[], int]) -> int:
    """Runs `start`; a failure of the run, a disk that refuses or a missing package becomes one sentence and exit code 2."""
    try:
        return start()
    except (RunError, EvidenceError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise click.ClickException(f"{where}{error.strerror or error}") from None
    except ModuleNotFoundError as error:
        if error.name not in _LAB:
            raise
        raise click.ClickException(f"experiments need {error.name}; install it with: pip install 'firebreak[lab]'") from None
