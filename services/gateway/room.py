"""How many may be served at once where serving is slow on purpose; who finds it full is sent away at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.kit.errors import OverloadedError

SIGNING_IN = 64
"""A gateway's own, as many as users takes in twice over. Of a crowd without such a bound most would wait for a connection until
their attempts time out, and open the breaker for everybody."""


class Room:
    """Places that are taken without waiting, or not at all."""

    def __init__(self, places: int) -> None:
        self._free = places

    @contextmanager
    def place(self) -> Iterator[None]:
        """Holds one. Raises OverloadedError when all are taken."""
        if not self._free:
            raise OverloadedError("too many are signing up or in at this moment", retry_after_s=1)
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1
