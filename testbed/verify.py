"""`testbed verify`: whether the business's invariants hold in the running system."""

import time
from pathlib import Path

from chaos.http_get import Get, http_get
from chaos.invariants.books import Books
from chaos.invariants.reading import KEEPERS, library_of, read_books
from chaos.invariants.verification import Verification, verify
from chaos.targets.system import System
from services.topology import load_topology
from testbed.control import ControlError


def verify_running(system: System, wait_s: float, get: Get = http_get) -> Verification:
    """Looks at the books of a system for up to `wait_s` seconds.

    Args:
        system: What runs.
        wait_s: How long what is under way may take to finish.
        get: Does the requests.

    Raises:
        FetchError: They cannot be read.
        ControlError: No system runs there, or one that keeps no such books.
        TargetError: It cannot be asked.
    """
    path = Path(system.roll().topology)
    topology = load_topology(path)
    missing = [name for name in KEEPERS if name not in topology.services]
    if missing:
        raise ControlError(f"{path} has no {', '.join(missing)}; the invariants are those of FeastFast")
    token = system.secrets().internal_token

    def read() -> Books:
        return read_books(library_of(system.status(), topology, token, get), time.time)

    return verify(read, wait_s, time.monotonic, time.sleep)
