"""What `testbed up` and `testbed status` print of the programs beside a system."""

from typing import Final

from rich.console import Console
from rich.padding import Padding

from services.registry import InstanceState
from testbed.control import ProgramStatus
from testbed.stack.programs import ALERTMANAGER, GRAFANA, MISSING, PROMETHEUS
from testbed.terminal import table

WHAT: Final = {
    PROMETHEUS: "metrics of every process, and their rules",
    ALERTMANAGER: "alerts that fire",
    GRAFANA: "dashboards",
}
_STYLES: Final = {InstanceState.UP: "green", InstanceState.STARTING: "yellow", InstanceState.DOWN: "red"}


def print_notes(out: Console, stack: tuple[ProgramStatus, ...]) -> None:
    """Once, at a start: what runs otherwise than expected, and in one line what does not because it is not here."""
    for program in stack:
        if program.note and program.state != MISSING:
            out.print(f"{program.name}: {_note(program)}", soft_wrap=True, markup=False)
    missing = [program for program in stack if program.state == MISSING]
    if missing:
        ways = ", ".join(f"{program.name} ({program.note})" for program in missing)
        out.print(f"Not on the PATH, so not started: {ways}.", soft_wrap=True, markup=False)


def print_programs(out: Console, programs: tuple[ProgramStatus, ...]) -> None:
    """Those that are here, with what is to be known of each."""
    here = [program for program in programs if program.state != MISSING]
    if not here:
        return
    rows = table("beside them", "state", "address", "pid", right=("pid",))
    for program in here:
        word = f"[{_STYLES.get(program.state, 'default')}]{program.state}[/]" if isinstance(program.state, InstanceState) else ""
        rows.add_row(program.name, word, program.address, str(program.pid or ""))
    out.print()
    out.print(Padding(rows, (0, 2), expand=False))
    for program in here:
        if program.note:
            out.print(f"{program.name}: {_note(program)}", soft_wrap=True, markup=False)


def _note(program: ProgramStatus) -> str:
    return f"{program.note}\nits log: {program.log}" if program.state is InstanceState.DOWN else program.note
