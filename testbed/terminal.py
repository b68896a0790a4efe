"""How the testbed command writes: as wide as the terminal, plain and wide enough when piped, one style of table."""

import sys
from typing import Final, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from testbed.control import SystemStatus
from testbed.log_line import LogLine

_PIPED_COLUMNS: Final = 120


def console(stream: TextIO | None = None) -> Console:
    """Standard output, or `stream`; colour follows NO_COLOR and whether it is a terminal."""
    target = stream or sys.stdout
    return Console(file=target, width=None if target.isatty() else _PIPED_COLUMNS, highlight=False)


def table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """A table whose columns are aligned to the left, but for `right`."""
    result = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        result.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return result


def command(text: str, option: str) -> str:
    """A command line that can be pasted into a shell, for the system that `option` names (chaos.targets.system.System)."""
    return f"{text} {option}" if option else text


def protection(system: SystemStatus) -> str:
    """What a system was started with."""
    without = f" without {', '.join(system.without)}" if system.without else ""
    return f"profile {system.profile}{without}"


_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
"""What strangers send is told in logs: a terminal must show it, and not do it."""
_LEVEL_STYLES: Final = {"debug": "dim", "info": "default", "warning": "yellow", "error": "red", "critical": "bold red"}


def print_log_line(out: Console, line: LogLine) -> None:
    """One event of a process: time of day, who, how bad, what, and the beginning of the trace's id."""
    trace = f"  trace {line.trace_id[:8]}" if line.trace_id else ""
    style = _LEVEL_STYLES[line.level]
    text = Text.assemble(
        (f"{line.clock} ", "dim"),
        f"{line.instance:<16} ",
        (f"{line.level:<8} ", style),
        (line.message.translate(_CONTROLS), style),
        (trace, "dim"),
    )
    out.print(text, soft_wrap=True)
