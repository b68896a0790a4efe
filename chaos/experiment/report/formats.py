"""How the report spells numbers and times: one place, so that a share looks the same in a table, a chart and a tooltip."""

from datetime import UTC, datetime

from chaos.experiment.result import Interval

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"
NOTHING = DASH
"""What a cell shows that has no number."""
MAX_TEXT = 600
"""Longer texts are cut: a report stays readable whatever a run folder holds."""

_UNITS = {"ms": "ms", "s": "s", "percent": "%", "points": "pp", "bytes": "B"}


def percent(share: float | None) -> str:
    """A share as a percentage with one decimal; what is not quite 0 or 1 never reads as if it were."""
    if share is None:
        return NOTHING
    if 0 < share < 0.0005:
        return f"<{NBSP}0.1{NBSP}%"
    if 0.9995 <= share < 1:
        return f">{NBSP}99.9{NBSP}%"
    return f"{_short(share * 100)}{NBSP}%"


def points(share: float, *, signed: bool = True) -> str:
    """A difference of shares in percentage points: -0.0123 -> `-1.2`, with a true minus sign."""
    text = _short(abs(share) * 100)
    if text == "0":
        return text
    if share < 0:
        return f"{MINUS}{text}"
    return f"+{text}" if signed else text


def milliseconds(value_ms: float | None) -> str:
    """A duration with a unit that keeps it at three digits or so."""
    if value_ms is None:
        return NOTHING
    magnitude_ms = abs(value_ms)
    sign = MINUS if value_ms < 0 else ""
    if magnitude_ms >= 9_995:
        return f"{sign}{_short(magnitude_ms / 1_000)}{NBSP}s"
    if magnitude_ms >= 999.5:
        return f"{sign}{f'{magnitude_ms / 1_000:.2f}'.rstrip('0').rstrip('.')}{NBSP}s"
    if magnitude_ms >= 9.95:
        return f"{sign}{magnitude_ms:.0f}{NBSP}ms"
    return f"{sign}{_short(magnitude_ms)}{NBSP}ms"


def signed_milliseconds(value_ms: float) -> str:
    """The same for a change: an increase carries a plus sign."""
    return f"+{milliseconds(value_ms)}" if value_ms > 0 else milliseconds(value_ms)


def seconds(value_s: float) -> str:
    """Seconds with one decimal where it says something: 20.0 -> `20 s`."""
    return f"{_short(value_s)}{NBSP}s"


def number(value: float) -> str:
    """A plain number: whole ones with thousands apart, others to four significant digits."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace(",", NBSP).replace("-", MINUS)
    return f"{value:.4g}".replace("-", MINUS)


def labelled_number(name: str, value: float) -> tuple[str, str]:
    """A proof's number as label and text, its unit read from the end of its name: `detected_after_s` -> `detected after`."""
    if name.endswith("_per_s"):
        return name.removesuffix("_per_s").replace("_", " "), f"{number(value)}{NBSP}/s"
    stem, _, unit = name.rpartition("_")
    if not stem:
        return name, number(value)
    label = stem.replace("_", " ")
    if unit == "ms":
        return label, milliseconds(value)
    if unit == "share":
        return label, percent(value)
    if unit in _UNITS:
        return label, f"{number(value)}{NBSP}{_UNITS[unit]}"
    return name.replace("_", " "), number(value)


def confidence(interval: Interval) -> str:
    """`90 %` of an interval of confidence 0.9."""
    return f"{_short(interval.confidence * 100)}{NBSP}%"


def moment(unix_s: float) -> str:
    """A Unix time to the second, in UTC."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def gibibytes(size_bytes: int) -> str:
    """Memory as people name it."""
    return f"{_short(size_bytes / 2**30)}{NBSP}GiB"


def clip(text: str, limit: int = MAX_TEXT) -> str:
    """`text`, cut with an ellipsis beyond `limit` characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}\N{HORIZONTAL ELLIPSIS}"


def _short(value: float) -> str:
    """One decimal, and none when it is zero: 100.0 -> `100`."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
