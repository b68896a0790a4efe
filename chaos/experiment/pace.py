"""How fast customers come: as an experiment's file says, or more slowly on a machine that is too slow for that.

At pace 0.5 the same customers come half as often and every phase is twice as long, so that as many journeys are judged.
"""

import math
from typing import Final

from chaos.experiment.circumstances import Rehearsal
from chaos.experiment.errors import RunError

AS_WRITTEN: Final = 1.0
BUSY_SHARE: Final = 0.8
"""A first baseline busier than this share of what is allowed is too near to it: the fault and other arms take more (ADR 29)."""
_AIM_SHARE: Final = 0.7
"""Of what is allowed; the rest is room for the same, for chance, and at first for what does not shrink with the load."""
_MOST_ALIKE: Final = 0.75
"""Two paces nearer than that tell chance apart: an error of a percent in the second would count for more than four."""
_STEP: Final = 0.05
"""Paces are rounded down to multiples of it: a busy machine is not measured more exactly than that."""


def stated_pace(asked: float | None, slowest: float, name: str) -> float:
    """The pace to begin with; `asked` is None for whatever the machine allows. Raises RunError for one that is not allowed."""
    if asked is None or asked == AS_WRITTEN:
        return AS_WRITTEN
    if slowest == AS_WRITTEN:
        raise RunError(
            f"--pace {asked:g}: {name} has no other pace than 1: its file allows none (load.slowest_pace); leave it out"
        )
    if not slowest <= asked <= AS_WRITTEN:
        raise RunError(f"--pace {asked:g}: {name} allows {slowest:g} to 1 (load.slowest_pace), or auto")
    return asked


def fitting_pace(needed_percent: float, allowed_percent: float, slowest: float) -> float:
    """The pace at which a load that needs so much of the machine at pace 1 leaves it room; never below `slowest`."""
    return _allowed(_AIM_SHARE * allowed_percent / needed_percent, slowest)


def told_apart(last: Rehearsal, before: Rehearsal) -> Rehearsal:
    """`last`, knowing by a line through both what of it does not shrink with the load. Two points near each other have none."""
    share = last.pace / before.pace
    if share > _MOST_ALIKE:
        return last
    fixed_percent = (last.needed_percent - share * before.needed_percent) / (1 - share)
    return last.model_copy(update={"fixed_percent": round(min(max(0.0, fixed_percent), last.needed_percent), 1)})


def pace_after(rehearsal: Rehearsal, slowest: float) -> float:
    """The pace to begin anew with, slower than that of `rehearsal`; never below `slowest`."""
    fixed_percent = rehearsal.fixed_percent
    room_percent = _AIM_SHARE * rehearsal.allowed_percent - fixed_percent
    if room_percent <= 0:
        return slowest
    fitting = rehearsal.pace * room_percent / (rehearsal.needed_percent - fixed_percent)
    return _allowed(min(fitting, rehearsal.pace - _STEP), slowest)


def _allowed(pace: float, slowest: float) -> float:
    steps = math.floor(pace / _STEP + 1e-9)
    return max(slowest, min(AS_WRITTEN, round(steps * _STEP, 2)))


def pace_sentence(pace: float, rehearsal: Rehearsal | None) -> str:
    """What a reader has to know of it; empty for a run whose customers came as its file says."""
    if pace == AS_WRITTEN:
        return ""
    slower = (
        f"customers come {pace:g} times as often as the experiment's file says, and phases last {1 / pace:.3g} times as long, so "
        "that as many journeys are judged"
    )
    if rehearsal is None:
        return f"This run is at pace {pace:g}: {slower}."
    busy, allowed = f"{rehearsal.cpu_percent:.0f} % busy", f"{rehearsal.allowed_percent:g} % are allowed"
    why = f"At pace {rehearsal.pace:g} this machine was {busy} before any fault, and {allowed}"
    return f"{why}, so the run began anew at pace {pace:g}: {slower}.{_doubt(pace, rehearsal)}"


def _doubt(pace: float, rehearsal: Rehearsal) -> str:
    fixed = rehearsal.fixed_percent
    expected = fixed + pace / rehearsal.pace * (rehearsal.needed_percent - fixed)
    if expected <= BUSY_SHARE * rehearsal.allowed_percent:
        return ""
    return (
        f" That is the slowest that the file allows, and may not do: some {min(100, expected):.0f} % are to be expected, unless "
        "the machine is busy with other things that end."
    )
