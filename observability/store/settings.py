"""Settings of the store's process, read from the environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from observability.store.errors import StoreUnusableError

LOG_LEVELS: Final = ("debug", "info", "warning", "error", "critical")


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where the store listens, what it writes, and how much of it it keeps.

    Attributes:
        path: The SQLite file; its folder must exist.
        host: Address of both listeners.
        port: Port of the query API and the page; 0 for any free one.
        otlp_port: Port of the OTLP receiver; 0 for any free one.
        instance: `<service>/<replica>`, as the supervisor calls this process.
        max_size_mib: Beyond this size of the file the oldest telemetry is deleted.
        max_age_s: Telemetry that arrived longer ago than this is deleted.
        log_level: Least severe level of this process's own log lines.
    """

    path: Path
    host: str
    port: int
    otlp_port: int
    instance: str
    max_size_mib: int
    max_age_s: int
    log_level: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "StoreSettings":
        """Settings from `FIREBREAK_*` variables. Raises StoreUnusableError, which names the variable and what is allowed."""
        integer = _integers(environment)
        path = environment.get("FIREBREAK_STORE_PATH", "")
        if not path:
            raise StoreUnusableError("FIREBREAK_STORE_PATH is missing: the path of the SQLite file that keeps the telemetry")
        log_level = environment.get("FIREBREAK_LOG_LEVEL", "info").lower()
        if log_level not in LOG_LEVELS:
            raise StoreUnusableError(f"FIREBREAK_LOG_LEVEL {log_level!r} is unknown; allowed: {', '.join(LOG_LEVELS)}")
        service, replica = environment.get("FIREBREAK_SERVICE", "telemetry"), integer("FIREBREAK_REPLICA", 1, 1, 1_000)
        return cls(
            path=Path(path),
            host=environment.get("FIREBREAK_HOST", "127.0.0.1"),
            # The ports that Jaeger's query API and OTLP over HTTP are known by.
            port=integer("FIREBREAK_PORT", 16_686, 0, 65_535),
            otlp_port=integer("FIREBREAK_OTLP_PORT", 4_318, 0, 65_535),
            instance=f"{service}/{replica}",
            # Some four million spans, or an hour of the demo's load.
            max_size_mib=integer("FIREBREAK_STORE_MAX_SIZE_MIB", 512, 16, 1_048_576),
            max_age_s=integer("FIREBREAK_STORE_MAX_AGE_S", 86_400, 60, 31_536_000),
            log_level=log_level,
        )


def _integers(environment: Mapping[str, str]) -> Callable[[str, int, int, int], int]:
    """A reader of bounded integers from `environment`: (name, default, minimum, maximum) -> value."""

    def integer(name: str, default: int, minimum: int, maximum: int) -> int:
        text = environment.get(name, "") or str(default)
        if not (text.isascii() and text.isdigit() and minimum <= int(text) <= maximum):
            raise StoreUnusableError(f"{name} {text!r} is not a whole number from {minimum} to {maximum}")
        return int(text)

    return integer
