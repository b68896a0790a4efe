"""Expressions of PromQL: the few shapes that panels share."""

from collections.abc import Sequence
from typing import Final

INSTANCE: Final = "instance"
"""The label that Prometheus gives each target, such as `orders/1`."""

# Labels of the load generator's metrics, which imports nothing of ours.
JOURNEY: Final = "journey"
STEP: Final = "step"


WINDOW: Final = "$__rate_interval"
"""Grafana's own: four scrapes at least, so that it suits a scrape of one second here and of fifteen elsewhere."""


def equal(label: str, value: str) -> str:
    """A condition of a selector."""
    return f'{label}="{value}"'


def matching(label: str, pattern: str) -> str:
    """A condition of a selector, by an anchored regular expression."""
    return f'{label}=~"{pattern}"'


def series(name: str, *conditions: str) -> str:
    """The series of a metric that meet all conditions."""
    return f"{name}{{{', '.join(conditions)}}}" if conditions else name


def total(expression: str, by: Sequence[str] = (), function: str = "sum") -> str:
    """What `function` makes of all series that agree in the labels `by`."""
    return f"{function} by ({', '.join(by)}) ({expression})" if by else f"{function}({expression})"


def rate(counter: str, *conditions: str, by: Sequence[str] = ()) -> str:
    """Events a second."""
    return total(f"rate({series(counter, *conditions)}[{WINDOW}])", by)


def happened(counter: str, *conditions: str, by: Sequence[str] = ()) -> str:
    """Events within the window, for what is rare: a series that begins with 1 is one event, and `increase` would see none."""
    now = series(counter, *conditions)
    return total(f"clamp_min({now} - ({now} offset {WINDOW} or 0 * {now}), 0)", by)


def quantile(q: float, histogram: str, *conditions: str, by: Sequence[str] = ()) -> str:
    """A quantile of a histogram's observations within the window."""
    return f"histogram_quantile({q}, {rate(f'{histogram}_bucket', *conditions, by=('le', *by))})"


def ratio(part: str, whole: str) -> str:
    """A share, which is 0 and not absent while no series counts the part."""
    return f"({part} or 0 * {whole}) / {whole}"


def or_zero(expression: str) -> str:
    """A number that is 0 and not absent without series, which do not have labels."""
    return f"{expression} or vector(0)"


def above_zero(expression: str) -> str:
    """Without series at 0: counters begin there for all that may ever happen, and legends would be full of what did not."""
    return f"{expression} > 0"


def or_none(expression: str, *labels: str) -> str:
    """Series by `labels` that are rarely above 0; while there is none, one at 0 that is named so, and a panel is never empty."""
    named = "vector(0)"
    for label in labels:
        named = f'label_replace({named}, "{label}", "{"any" if label != labels[0] else "none"}", "", "")'
    return f"{above_zero(expression)} or on () {named}"
