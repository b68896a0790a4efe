"""One supervisor a state folder: a lock that the kernel takes back from a dead holder."""

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from testbed.launch import lock_path

_PATIENCE_S: Final = 0.2  # Whoever asks who runs holds the lock shared for an instant (testbed.launch.running_supervisor).


class AlreadyRunningError(Exception):
    """Another supervisor holds the folder; the text names its process."""


def take_lock(state: Path) -> int:
    """Locks the folder until the returned descriptor is closed; a supervisor leaves that to the kernel, at its very end.

    Raises:
        AlreadyRunningError: A living supervisor holds it.
        OSError: The file cannot be written.
    """
    descriptor = os.open(lock_path(state), os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + _PATIENCE_S
    while not _try(descriptor):
        if time.monotonic() > deadline:
            holder = os.read(descriptor, 20).decode(errors="replace") or "unknown"
            os.close(descriptor)
            raise AlreadyRunningError(f"a testbed already runs in {state} (process {holder}); see: testbed status")
        time.sleep(0.01)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
