"""Parameters of one request, read and checked; all that is wrong with them is said at once."""

import re
from collections.abc import Sequence
from typing import Final

from observability.store.errors import InvalidQueryError

IGNORED: Final = ("raw", "prettyPrint")
"""Jaeger's clients send them; they change nothing here."""

MAX_TIME_US: Final = 2**63 - 1
"""The greatest time or duration that the tables can hold, in microseconds."""

_UNITS_US: Final = {
    "ns": 1e-3,
    "us": 1.0,
    "µs": 1.0,
    "μs": 1.0,
    "ms": 1e3,
    "s": 1e6,
    "m": 60e6,
    "h": 3600e6,
    "d": 86_400e6,
    "w": 604_800e6,
}
_TERM: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{0,9})?)(ns|us|µs|μs|ms|s|m|h|d|w)")
_DURATION: Final = re.compile(rf"(?:{_TERM.pattern})+")
_WHOLE: Final = re.compile(r"[0-9]{1,19}")
_TRACE_ID: Final = re.compile(r"[0-9a-fA-F]{1,32}")
_DURATION_FORM: Final = "a duration such as 1.5ms, 200us or 1m30s (units ns, us, ms, s, m, h, d, w)"


class Parameters:
    """Reads parameters of one request and collects what is wrong with them."""

    def __init__(self, pairs: Sequence[tuple[str, str]], allowed: Sequence[str]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            if value:
                self._values.setdefault(name, []).append(value)
        self.problems = [
            f"parameter {name!r} is unknown; allowed: {', '.join(allowed)}"
            for name in dict.fromkeys(name for name, _ in pairs)
            if name not in (*allowed, *IGNORED)
        ]

    def refuse(self, name: str, allowed: str) -> None:
        """Notes that the value of `name` is wrong."""
        self.problems.append(f"parameter {name!r} = {', '.join(self._values.get(name, []))!r:.200} must be {allowed}")

    def check(self) -> None:
        """Raises InvalidQueryError when anything was wrong."""
        if self.problems:
            raise InvalidQueryError(*self.problems)

    def all(self, name: str) -> Sequence[str]:
        """Every value of a parameter that may repeat."""
        return self._values.get(name, [])

    def text(self, name: str) -> str | None:
        """The value, None when absent or empty."""
        values = self.all(name)
        if len(values) > 1:
            self.refuse(name, "given once")
        return values[0] if values else None

    def whole(self, name: str, minimum: int, maximum: int) -> int | None:
        """A whole number within bounds, None when absent."""
        text = self.text(name)
        if text is None:
            return None
        if not (_WHOLE.fullmatch(text) and minimum <= int(text) <= maximum):
            self.refuse(name, f"a whole number from {minimum} to {maximum}")
            return None
        return int(text)

    def one_of(self, name: str, allowed: Sequence[str]) -> str | None:
        """One of the allowed words, None when absent."""
        text = self.text(name)
        if text is not None and text not in allowed:
            self.refuse(name, f"one of {', '.join(allowed)}")
            return None
        return text

    def duration_us(self, name: str) -> int | None:
        """A duration in microseconds, None when absent."""
        text = self.text(name)
        if text is None:
            return None
        if not _DURATION.fullmatch(text):
            self.refuse(name, _DURATION_FORM)
            return None
        return min(MAX_TIME_US, int(sum(float(number) * _UNITS_US[unit] for number, unit in _TERM.findall(text))))

    def trace_ids(self, name: str) -> Sequence[bytes]:
        """Trace ids of 1 to 32 hexadecimal digits each; a short one is a 64-bit id, as Jaeger reads it."""
        texts = self.all(name)
        if not all(_TRACE_ID.fullmatch(text) for text in texts):
            self.refuse(name, "1 to 32 hexadecimal digits")
            return ()
        return tuple(bytes.fromhex(text.zfill(32)) for text in texts)
