"""What `testbed dead-letters` and `testbed replay` print."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from chaos.invariants.finding import counted
from testbed.dead_letters import DeadLetter
from testbed.terminal import command, table

_MAX_ERROR: Final = 160


def print_dead_letters(out: Console, letters: Mapping[str, Sequence[DeadLetter]], option: str) -> None:
    """One line a letter, the oldest failure of each service first, with local times."""
    dead = [(service, letter) for service, found in letters.items() for letter in sorted(found, key=lambda each: each.at)]
    if not dead:
        out.print(f"No dead letters at {', '.join(letters) or 'any service'}.", soft_wrap=True)
        return
    rows = table("service", "event, and its key", "what became of it")
    rows.columns[1].no_wrap = True  # An id is there to be copied.
    for service, letter in dead:
        when = time.strftime("%m-%d %H:%M:%S", time.localtime(letter.at))
        event = Text.assemble(letter.event_id, (f"\n{letter.key}", "dim"))
        told = f"{letter.type}, {counted(letter.attempts, 'attempt')}, {when}\n"
        rows.add_row(Text(service), event, Text.assemble((told, "dim"), letter.error[:_MAX_ERROR]))
    out.print(rows)
    how = command("testbed replay SERVICE EVENT", option)
    out.print(f"\n{counted(len(dead), 'dead letter')}. Once the cause is gone: {how}", soft_wrap=True)


def dead_letters_json(letters: Mapping[str, Sequence[DeadLetter]]) -> str:
    """The same for programs, with what arrived."""
    return json.dumps({service: [letter.model_dump() for letter in found] for service, found in letters.items()}, indent=1)


def print_replayed(out: Console, service: str, replayed: int, failures: Sequence[str]) -> None:
    """How many were handled, and why the others were not."""
    for failure in failures:
        out.print(failure, style="bold red", markup=False, soft_wrap=True)
    if replayed or not failures:
        out.print(f"{service} handled {counted(replayed, 'event')} after all.", soft_wrap=True)
