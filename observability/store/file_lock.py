"""One store a file: two would each keep within the bound, count calls for themselves and delete what the other still knows."""

import fcntl
import os
from pathlib import Path

from observability.store.errors import StoreUnusableError


class FileLock:
    """Holds `<file>-lock` until it is closed or the process dies, however it dies.

    It is a file of its own, because SQLite's locks on the database go with any descriptor of it that this process closes.

    Raises:
        StoreUnusableError: Another process holds it, or it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        if not path.parent.is_dir():
            raise StoreUnusableError(f"FIREBREAK_STORE_PATH {path}: its folder does not exist")
        try:
            self._descriptor = os.open(path.with_name(f"{path.name}-lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnusableError(
                f"FIREBREAK_STORE_PATH {path}: its lock cannot be made: {error.strerror or error}"
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            text = f"FIREBREAK_STORE_PATH {path}: another store has it open; end that one, or name another file"
            raise StoreUnusableError(text) from error

    def close(self) -> None:
        """Lets it go."""
        os.close(self._descriptor)
