"""Colours of values: from where a number is worth a look, and from where it is bad."""

from collections.abc import Sequence
from typing import Final

from grafana_foundation_sdk.models.dashboard import Threshold, ThresholdsConfig, ThresholdsMode

GREEN: Final = "green"
YELLOW: Final = "yellow"
RED: Final = "red"
BLUE: Final = "blue"

Steps = Sequence[tuple[float | None, str]]
"""Each value from which a colour holds, ascending; the first has none: it holds from minus infinity."""

NEUTRAL: Final[Steps] = ((None, BLUE),)
"""For numbers that are neither good nor bad."""
ANY_IS_BAD: Final[Steps] = ((None, GREEN), (1, RED))
SOME: Final[Steps] = ((None, RED), (1, GREEN))


def up_to(look: float, bad: float) -> Steps:
    """Green below `look`, red from `bad` on."""
    return ((None, GREEN), (look, YELLOW), (bad, RED))


def at_least(bad: float, good: float) -> Steps:
    """Red below `bad`, green from `good` on."""
    return ((None, RED), (bad, YELLOW), (good, GREEN))


def config(steps: Steps) -> ThresholdsConfig:
    """The steps as Grafana has them."""
    return ThresholdsConfig(mode=ThresholdsMode.ABSOLUTE, steps=[Threshold(value=value, color=color) for value, color in steps])


# Objectives of FeastFast that several panels share.
ERRORS: Final[Steps] = up_to(0.01, 0.05)
"""Shares of failed requests: 1 % is what experiments call a deviation."""
LATENCY_S: Final[Steps] = up_to(0.3, 1)
SATURATION: Final[Steps] = up_to(0.7, 0.9)
LAG_S: Final[Steps] = up_to(0.01, 0.1)
"""Of the event loop; a tenth of a second is somebody's whole attempt."""
