"""What the chaos command prints."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from chaos.faults import KINDS
from chaos.targets.place import Place
from chaos.targets.target import Healing, PlacedLease, Survey
from services.duration import format_duration_ms
from services.registry import InstanceState
from services.topology import Topology
from testbed.control import ProcessLease, SystemStatus

if TYPE_CHECKING:  # Experiments are imported by the commands that need them: healing must not wait for that.
    from chaos.experiment.model import Experiment

_PIPED_COLUMNS = 120
_COMMANDS = {
    "latency": "slow TARGET --latency 300ms",
    "error": "fail TARGET [--status 503]",
    "abort": "fail TARGET --abort",
    "hang": "hang TARGET",
    "partition": "partition TARGET",
}
_PROCESS_FAULTS = {
    "kill": "kills the process and keeps it down; started again at the end",
    "pause": "stops the process: it listens and does not answer; resumed at the end",
}


def console() -> Console:
    """Standard output; as wide as the terminal, or wide enough for a table when piped."""
    return Console(width=None if sys.stdout.isatty() else _PIPED_COLUMNS, highlight=False)


@dataclass(frozen=True)
class Injected:
    """What has just been put in force, in the words of the report on it."""

    what: str
    place: Place
    instances: tuple[str, ...]
    lease_ms: float
    option: str
    """Which system it is (chaos.targets.system.System)."""
    addresses: dict[str, str]


def print_injected(done: Injected) -> None:
    """Says what, where, until when, how to undo it and what to watch."""
    out = console()
    until = datetime.now().astimezone() + timedelta(milliseconds=done.lease_ms)
    where = f"{done.place} (in {', '.join(done.instances)})" if done.instances != (str(done.place),) else str(done.place)
    out.print(f"[bold]{done.what}[/] at {where} until {until:%H:%M:%S} ({format_duration_ms(done.lease_ms)})", soft_wrap=True)
    out.print(f"  undo:  {_command('heal', done.option, done.place)}", soft_wrap=True)
    traces = f", and traces at {done.addresses['traces']}" if "traces" in done.addresses else ""
    out.print(f"  watch: {_command('status', done.option)}{traces}", soft_wrap=True)


def print_healed(healing: Healing, place: Place | None) -> None:
    """Says how many faults were ended."""
    where = f" at {place}" if place else ""
    faults = "1 fault" if healing.healed == 1 else f"{healing.healed} faults"
    out = console()
    out.print(f"Ended {faults}{where}." if healing.healed else f"Nothing was injected{where}.", soft_wrap=True)
    if healing.unseen:
        out.print(f"Not ended from here: {healing.unseen}", soft_wrap=True)


def print_status(survey: Survey, *, ended: bool) -> None:
    """One row a fault and process."""
    out = console()
    if survey.leases or survey.status.leases:
        table = _table("where", "fault", "rate", "left", "seen", "hit", "by", right=("rate", "left", "seen", "hit"))
        for process in survey.status.leases:
            table.add_row(process.instance, process.kind, "", _seconds(process.remaining_ms), "", "", process.source)
        _add_leases(table, survey.leases)
        out.print(table)
    else:
        out.print("Nothing is injected.")
    if ended and survey.ended:
        table = _table("ended, where", "fault", "rate", "left", "seen", "hit", "by", right=("rate", "left", "seen", "hit"))
        _add_leases(table, survey.ended)
        out.print(table)
    if survey.unseen:
        down = [each.name for each in survey.status.instances if each.state is InstanceState.DOWN]
        out.print(f"Not seen from here: {survey.unseen}", soft_wrap=True)
        out.print(f"Down: {', '.join(down)}" if down else "Every replica accepts connections.", soft_wrap=True)


def _add_leases(table: Table, leases: Iterable[PlacedLease]) -> None:
    for placed in leases:
        lease = placed.lease
        where = f"{placed.instance} {lease.edge}" if lease.edge else placed.instance
        rate, left = f"{lease.rate * 100:.3g}%", _seconds(lease.remaining_ms) if lease.remaining_ms else ""
        table.add_row(where, str(lease.fault), rate, left, str(lease.seen), str(lease.injected), lease.source)


def print_kinds() -> None:
    """The faults there are, and the command of each."""
    table = _table("fault", "chaos ...", "what it does")
    for kind in KINDS:
        name = str(kind.model_fields["kind"].default)
        table.add_row(name, _COMMANDS[name], kind.summary)
    for name, summary in _PROCESS_FAULTS.items():
        table.add_row(name, f"{name} TARGET", summary)
    out = console()
    out.print(table)
    out.print("Each takes [--for 30s]; slow, fail and hang also take [--rate 50%]; slow takes [--jitter 50ms].", markup=False)


def print_places(topology: Topology, system: SystemStatus | None) -> None:
    """The targets there are: of the running system, or of the map that one would be started from."""
    states = {instance.name: str(instance.state) for instance in system.instances} if system else {}
    services = _table("service", "replicas")
    for name, service in topology.services.items():
        replicas = [f"{name}/{number}" for number in range(1, service.replicas + 1)]
        services.add_row(name, ", ".join(f"{each} ({states[each]})" if each in states else each for each in replicas))
    edges = _table("edge (the fault is in the caller; quote it)")
    for edge in topology.edges:
        edges.add_row(f"'{edge}'")
    out = console()
    out.print("\nTargets of the running system:" if system else "\nNo testbed is running. Targets it would have:")
    out.print(services)
    out.print()
    out.print(edges)


def print_experiments(shipped: "Mapping[str, Experiment]") -> None:
    """One row an experiment: its name, what it is about, and what it expects of each arm."""
    table = _table("chaos run ...", "what it shows", "arms")
    for name, experiment in shipped.items():
        arms = ", ".join(f"{arm} {verdict}" for arm, verdict in experiment.expect.items())
        table.add_row(name, experiment.title, arms)
    console().print(table)


def _table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def _seconds(duration_ms: float) -> str:
    return f"{duration_ms / 1_000:.1f} s"


def _command(verb: str, option: str, place: Place | None = None) -> str:
    """A command line that can be pasted into a shell."""
    target = f" '{place}'" if place and place.edge else f" {place}" if place else ""
    return f"chaos {verb}{target}{' ' * bool(option)}{option}"


def instances_of(leases: Iterable[PlacedLease | ProcessLease]) -> tuple[str, ...]:
    """The processes of leases, each once."""
    return tuple(dict.fromkeys(lease.instance for lease in leases))
