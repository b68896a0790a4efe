"""The last line of a log: what ended a process usually stands there."""

from pathlib import Path
from typing import Final

_TAIL_BYTES: Final = 4_096
_MAX_CHARS: Final = 400


def last_words(log: Path) -> str:
    """`last line of <log>: <text>`, on a line of its own; empty when there is none to read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return f"\nlast line of {log}: {lines[-1][:_MAX_CHARS]}" if lines else ""
