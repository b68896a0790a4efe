"""Tells Prometheus of a load generator while it runs. A leaf, for whoever starts one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from testbed.ports import HOST, free_port
from testbed.scrape_targets import JOB_LOAD, ScrapeTarget, write_targets

_PREFIX: Final = "load-"


@contextmanager
def load_target(targets: Path, host: str = HOST, seen_at: str = HOST) -> Iterator[int]:
    """A free port for the load's metrics, which Prometheus asks for as long as the context is open.

    Several loads may run at once: each process that starts one has a file and an instance of its own.

    Args:
        targets: The folder of targets of the system that is under load.
        host: The interface that the metrics are served on.
        seen_at: What Prometheus calls that interface.

    Raises:
        OSError: The file cannot be written.
    """
    port, pid = free_port(host), os.getpid()
    path = targets / f"{_PREFIX}{pid}.json"
    write_targets(path, [ScrapeTarget(f"{seen_at}:{port}", JOB_LOAD, "load", f"load/{pid}")])
    try:
        yield port
    finally:
        path.unlink(missing_ok=True)


def forget_dead_loads(targets: Path) -> None:
    """Removes the files of those who were killed before they could; the port may be another process's by now. Raises OSError."""
    for path in targets.glob(f"{_PREFIX}*.json"):
        pid = path.stem.removeprefix(_PREFIX)
        if pid.isdecimal() and not _is_alive(int(pid)):
            path.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # Somebody else's.
        pass
    return True
