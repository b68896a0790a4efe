"""Writes what is compiled from slo.yaml.

python -m observability.slo                                       # the files of observability/stack, as `make rules` does
python -m observability.slo rules mine.yaml --windows production  # to standard output, from a file of yours
python -m observability.slo alertmanager mine.yaml --webhook http://127.0.0.1:9000/
"""

import sys
from collections.abc import Callable
from pathlib import Path

import click

from observability.slo.alertmanager import compile_alertmanager
from observability.slo.loader import Slos, load_slos
from observability.slo.rules import compile_rules
from observability.slo.windows import PRODUCTION, PROFILES
from services.document import DocumentError
from services.topology import load_topology

STACK = Path(__file__).parent.parent / "stack"
BAD_INPUT = 2


def generated(slos: Slos) -> dict[Path, str]:
    """Every generated file, by its path below observability/stack."""
    rules = {Path("prometheus", "rules", f"{name}.yaml"): compile_rules(slos, windows) for name, windows in PROFILES.items()}
    return {**rules, Path("alertmanager", "alertmanager.yaml"): compile_alertmanager(slos)}


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Compile service level objectives. Without a command: write the files of observability/stack anew."""
    if context.invoked_subcommand is None:
        for path, text in generated(load_slos(None, load_topology())).items():
            target = STACK / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")


_FILE = click.argument("slo_file", type=click.Path(dir_okay=False, path_type=Path))
_TOPOLOGY = click.option("--topology", type=click.Path(dir_okay=False, path_type=Path), help="The map.  [default: FeastFast's]")


@main.command()
@_FILE
@_TOPOLOGY
@click.option("--windows", type=click.Choice(list(PROFILES)), default=PRODUCTION.name, show_default=True)
def rules(slo_file: Path, topology: Path | None, windows: str) -> None:
    """Print Prometheus' rules of SLO_FILE."""
    _print(slo_file, topology, lambda slos: compile_rules(slos, PROFILES[windows]))


@main.command()
@_FILE
@_TOPOLOGY
@click.option("--webhook", help="URL that every alert is sent to.  [default: nobody is told]")
def alertmanager(slo_file: Path, topology: Path | None, webhook: str | None) -> None:
    """Print Alertmanager's configuration for SLO_FILE."""
    _print(slo_file, topology, lambda slos: compile_alertmanager(slos, webhook))


def _print(slo_file: Path, topology: Path | None, compiled: Callable[[Slos], str]) -> None:
    try:
        click.echo(compiled(load_slos(slo_file, load_topology(topology))), nl=False)
    except DocumentError as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_INPUT)


if __name__ == "__main__":
    main()
