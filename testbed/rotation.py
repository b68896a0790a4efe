"""A bound on disk: a log that grew too large keeps its recent past in one older file, and starts anew."""

import shutil
from pathlib import Path
from typing import Final

MAX_LOG_BYTES: Final = 32 * 1024 * 1024
"""A process's log takes at most twice this."""


def rotate(path: Path, max_bytes: int = MAX_LOG_BYTES) -> bool:
    """Moves the content of `path` to `path.1` once it is larger than `max_bytes`; says whether it did.

    The file is copied and truncated, not renamed: its writer appends to the descriptor it was started with. Lines that are
    written between the two steps are lost. Raises OSError.
    """
    if not path.exists() or path.stat().st_size <= max_bytes:
        return False
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    with path.open("r+b") as file:
        file.truncate(0)
    return True
