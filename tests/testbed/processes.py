"""What tests of real processes look at from outside."""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path


def process_state(pid: int) -> str:
    """The kernel's letter for it: R or S runs, T is stopped, Z has ended; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def processes_of(state: Path) -> list[str]:
    """Command lines of all living processes that name a state folder or were told of it in their environment."""
    needle = str(state).encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            told = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            if needle in told and int(folder.name) != os.getpid() and process_state(int(folder.name)) not in ("Z", "X", ""):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def eventually(holds: Callable[[], bool], timeout_s: float = 30.0) -> bool:
    """Whether it holds before the time is over, in which a busy machine may have to start an interpreter and a Prometheus."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
