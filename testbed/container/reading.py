"""Prints the journal of this container's processes: the part that was moved aside first, then the rest."""

import shutil
import sys

from testbed.container.places import FOLDER, JOURNAL

_EXIT_UNREADABLE = 2


def main(folder: str = FOLDER) -> int:
    """0 also for an empty one; 2, after one line, when there is none to read."""
    path = f"{folder}/{JOURNAL}"
    try:
        for each in (f"{path}.1", path):
            _print(each, may_be_absent=each != path)
    except OSError as error:
        sys.stderr.write(f"{path}: there is no journal to read: {error.strerror}\n")
        return _EXIT_UNREADABLE
    return 0


def _print(path: str, *, may_be_absent: bool) -> None:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib takes longer to import than this takes to run.
            shutil.copyfileobj(file, sys.stdout.buffer)
    except FileNotFoundError:
        if not may_be_absent:
            raise
