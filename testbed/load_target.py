"""Tells Prometheus of a load generator while it runs. A leaf, for whoever starts one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testbed.ports import HOST, free_port
from testbed.scrape_targets import JOB_LOAD, LOAD, ScrapeTarget, write_targets

INSTANCE = "load/1"


@contextmanager
def load_target(targets: Path) -> Iterator[int]:
    """A free port for the load's metrics, which Prometheus asks for as long as the context is open.

    Args:
        targets: The folder of targets of the system that is under load.

    Raises:
        OSError: The file cannot be written.
    """
    port = free_port()
    path = targets / LOAD
    write_targets(path, [ScrapeTarget(f"{HOST}:{port}", JOB_LOAD, "load", INSTANCE)])
    try:
        yield port
    finally:
        path.unlink(missing_ok=True)
