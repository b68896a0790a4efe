"""`testbed verify`: whether the business's invariants hold in the running system."""

import time
from collections.abc import Callable
from pathlib import Path

from chaos.http_get import Get, http_get
from chaos.invariants.books import Books
from chaos.invariants.reading import KEEPERS, library_of, read_books
from chaos.invariants.verification import Verification, verify
from services.topology import load_topology
from testbed.control import ControlError, SystemStatus, status
from testbed.run import RunFolder


def verify_running(state: Path, wait_s: float, get: Get = http_get, ask: Callable[[Path], SystemStatus] = status) -> Verification:
    """Looks at the books of the system in `state` for up to `wait_s` seconds.

    Args:
        state: The system's folder.
        wait_s: How long what is under way may take to finish.
        get: Does the requests.
        ask: Tells what runs.

    Raises:
        FetchError: They cannot be read.
        ControlError: No system runs there, or one that keeps no such books.
        OSError: The run's tokens cannot be read.
    """
    path = Path(ask(state).topology)
    topology = load_topology(path)
    missing = [name for name in KEEPERS if name not in topology.services]
    if missing:
        raise ControlError(f"{path} has no {', '.join(missing)}; the invariants are those of FeastFast")
    token = RunFolder(state).read_secrets().internal_token

    def read() -> Books:
        return read_books(library_of(ask(state), topology, token, get), time.time)

    return verify(read, wait_s, time.monotonic, time.sleep)
