"""Who serves a name right now: read from the registry file that the supervisor keeps, or fixed (services.addresses)."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from services.registry import Instance, Registry

RECHECK_S = 0.05
"""How often the file's time stamp is looked at: a change is seen at most this much later."""


class Resolver(Protocol):
    """Finds the instances of a service that may be called."""

    def resolve(self, service: str) -> tuple[Instance, ...]:
        """Instances in no particular order; none when nobody serves."""
        ...


class StaticResolver:
    """A fixed registry. It has to believe that an instance is up: who calls one that is not finds out, and turns to another."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def resolve(self, service: str) -> tuple[Instance, ...]:
        """Instances of `service` that are up."""
        return self._registry.up(service)


class RegistryFileResolver:
    """Follows a registry file. While it cannot be read, the last state known is used: callers tolerate stale addresses."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._checked_at_s = float("-inf")
        self._stamp: tuple[int, int] | None = None
        self._by_service: dict[str, tuple[Instance, ...]] = {}

    def resolve(self, service: str) -> tuple[Instance, ...]:
        """Instances of `service` that are up, as of at most RECHECK_S ago."""
        now_s = self._clock()
        if now_s - self._checked_at_s >= RECHECK_S:
            self._checked_at_s = now_s
            self._reload()
        return self._by_service.get(service, ())

    def _reload(self) -> None:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - on the request path; Path.stat costs three times as much.
            stamp = (found.st_mtime_ns, found.st_ino)
            if stamp == self._stamp:
                return
            registry = Registry.read(self._path)
        except (OSError, ValueError):
            return
        self._stamp = stamp
        self._by_service = {i.service: registry.up(i.service) for i in registry.instances}
