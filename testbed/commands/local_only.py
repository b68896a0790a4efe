"""Commands for systems of this machine's processes, where a Compose project runs instead: what does the same there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.targets.choice import choose_system
from chaos.targets.local import LocalSystem
from testbed.control import ControlError, NotRunningError
from testbed.run import CURRENT


@contextmanager
def local_only(state: Path, instead: str) -> Iterator[None]:
    """Says in place of "nothing runs here" that a Compose project does, and what to do with it.

    Args:
        state: Folder of the local system; only the usual one is nobody's express wish.
        instead: What does the same on Docker Compose.

    Raises:
        ControlError: A Compose project runs, and no local system.
    """
    try:
        yield
    except (NotRunningError, LookupError):
        if state != CURRENT or isinstance(choose_system(None, None), LocalSystem):
            raise
        raise ControlError(f"no local system runs, and what runs on Docker Compose has a way of its own: {instead}") from None
