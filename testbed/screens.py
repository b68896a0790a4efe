"""What `testbed up` and `testbed status` print."""

import time
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from chaos.targets.local import LocalSystem
from services.registry import Instance, InstanceState
from services.topology import default_topology_path
from testbed import stack_screen
from testbed.control import ProcessLease, SystemStatus
from testbed.data import choose_data
from testbed.launch import LaunchOptions
from testbed.run import RunFolder
from testbed.terminal import command, protection, table

_MINUTES_FROM_S = 120.0
_WHAT = {"traces": "traces of every request", **stack_screen.WHAT}
_STYLES = {"ready": "green", "up": "green", "starting": "yellow", "paused": "yellow", "down": "red", "degraded": "red"}


def print_up(out: Console, system: SystemStatus, state: Path, took_s: float | None) -> None:
    """What has just been started (`took_s` seconds ago), or runs already (None), where it is, and what to try."""
    count = len(system.instances)
    headline = f"{count} processes are up" + (f" after {took_s:.1f} s" if took_s is not None else " already")
    out.print(f"[bold]{headline}[/], {protection(system)}.", soft_wrap=True)
    out.print()
    out.print(Padding(_address_table(system), (0, 2), expand=False))
    out.print()
    out.print(Padding(_next_table(system, state), (0, 2), expand=False))
    if system.collector:
        out.print(
            f"\nSpans and logs go to {system.collector}; the page of traces has none of them.", soft_wrap=True, markup=False
        )
    if any(program.note for program in system.stack):
        out.print()
        stack_screen.print_notes(out, system.stack)


def print_status(out: Console, system: SystemStatus, logs: str) -> None:
    """Every process with its state and address, and the faults that are in force; `logs` is the command that shows why not."""
    phase = f"[{_STYLES.get(system.phase, 'default')}]{system.phase}[/]"
    age = _age(time.time() - system.started_at)
    out.print(f"[bold]{system.run_id}[/] is {phase}, {protection(system)}, started {age} ago.", soft_wrap=True)
    out.print()
    out.print(Padding(_instance_table(system), (0, 2), expand=False))
    stack_screen.print_programs(out, (system.exporter, *system.stack) if system.exporter else system.stack)
    if any(instance.state is InstanceState.DOWN and not _fault(instance, system.leases) for instance in system.instances):
        out.print()
        out.print(f"Why one is down: {logs}", soft_wrap=True)


def _address_table(system: SystemStatus) -> Table:
    rows = table("open", "address", "what it is")
    for name, address in system.addresses.items():
        rows.add_row(name, address, _WHAT.get(name, "the public API"))
    return rows


def _next_table(system: SystemStatus, state: Path) -> Table:
    services = [instance.service for instance in system.instances]
    victim = "deliveries" if "deliveries" in services else services[-1]
    steps = [
        (f"chaos kill {victim}", "take a service away for 30 s"),
        ("testbed status", "see every process and fault"),
        ("testbed policy", "see what protects every edge, and change it for a while"),
        (f"testbed logs {victim} -f", "follow what a service says"),
        ("testbed down", "stop everything"),
    ]
    if system.topology == str(default_topology_path()):  # The journeys are FeastFast's.
        steps.insert(1, ("testbed load --ui", "send customers, from a web page"))
    rows = table("try", "to")
    for text, purpose in steps:
        rows.add_row(f"[bold]{command(text, LocalSystem(state).option)}[/]", purpose)
    return rows


def _instance_table(system: SystemStatus) -> Table:
    faulted = {lease.instance for lease in system.leases}
    rows = table("process", "state", "address", "pid", *(("fault",) if faulted else ()), right=("pid",))
    for instance in system.instances:
        state = _state(instance, system.leases)
        cells = [
            instance.name,
            f"[{_STYLES.get(state, 'default')}]{state}[/]",
            instance.base_url if instance.port else "",
            str(instance.pid or ""),
        ]
        rows.add_row(*cells, *((_fault(instance, system.leases),) if faulted else ()))
    return rows


def _state(instance: Instance, leases: tuple[ProcessLease, ...]) -> str:
    paused = any(lease.kind == "pause" and lease.instance == instance.name for lease in leases)
    return "paused" if paused and instance.state is InstanceState.UP else str(instance.state)


def _fault(instance: Instance, leases: tuple[ProcessLease, ...]) -> str:
    """The fault that lasts longest on an instance."""
    own = [lease for lease in leases if lease.instance == instance.name]
    if not own:
        return ""
    last = max(own, key=lambda lease: lease.remaining_ms)
    return f"{last.kind}, {last.remaining_ms / 1000:.1f} s left"


def _age(age_s: float) -> str:
    return f"{age_s:.0f} s" if age_s < _MINUTES_FROM_S else f"{age_s / 60:.0f} min"


def describe_difference(system: SystemStatus, wanted: LaunchOptions) -> str:
    """How a running system differs from what somebody asks for; empty when it does not."""
    topology = str((wanted.topology or default_topology_path()).absolute())
    pairs = (
        ("topology", system.topology, topology),
        ("data", system.data, choose_data(wanted.database, wanted.data or RunFolder(wanted.state).data).describe()),
        ("profile", system.profile, str(wanted.profile)),
        ("without", ", ".join(system.without), ", ".join(wanted.without)),
        ("tracing", system.tracing, str(wanted.tracing)),
        ("trace ratio", f"{system.trace_ratio:g}", f"{wanted.trace_ratio:g}"),
        ("stack", "on" if system.stack else "off", "on" if wanted.stack else "off"),
        ("collector", system.collector, wanted.otlp),
    )
    return ", ".join(f"{key} {has or 'nothing'} instead of {asked or 'nothing'}" for key, has, asked in pairs if has != asked)
