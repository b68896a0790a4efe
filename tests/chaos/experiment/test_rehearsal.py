"""What a baseline tells of a machine, and the pace that follows from it."""

import pytest

from chaos.experiment.circumstances import Rehearsal
from chaos.experiment.machine import CpuSample
from chaos.experiment.pace import fitting_pace, pace_after, told_apart
from chaos.experiment.rehearsal import BusyWatch, MachineTooBusyError


@pytest.mark.parametrize(
    ("needed_percent", "allowed_percent", "pace"),
    [(78.0, 85.0, 0.75), (96.0, 85.0, 0.6), (59.5, 85.0, 1.0), (10.0, 85.0, 1.0), (96.0, 70.0, 0.5), (1e9, 85.0, 0.4)],
)
def test_the_pace_leaves_three_tenths_of_what_is_allowed_and_is_never_below_the_slowest(
    needed_percent: float, allowed_percent: float, pace: float
) -> None:
    assert fitting_pace(needed_percent, allowed_percent, 0.4) == pace


def rehearsed(pace: float, needed_percent: float) -> Rehearsal:
    return Rehearsal(pace=pace, cpu_percent=min(100, needed_percent), needed_percent=needed_percent, allowed_percent=85.0)


@pytest.mark.parametrize(
    ("first", "second", "pace"),
    [
        (rehearsed(1.0, 90.0), rehearsed(0.75, 76.2), 0.4),  # 35 % and 55 % of the pace
        (rehearsed(1.0, 69.0), rehearsed(0.85, 68.1), 0.7),  # too near each other to tell
        (rehearsed(1.0, 90.0), rehearsed(0.65, 58.5), 0.6),  # nothing stays: still slower than what was too fast
        (rehearsed(1.0, 90.0), rehearsed(0.6, 84.0), 0.1),  # 75 % stay, which no pace helps against
        (rehearsed(1.0, 90.0), rehearsed(0.7, 95.0), 0.1),  # others came
        (rehearsed(1.0, 200.0), rehearsed(0.25, 70.0), 0.15),
    ],
)
def test_the_pace_after_two_rehearsals_follows_from_a_line_through_both(first: Rehearsal, second: Rehearsal, pace: float) -> None:
    assert pace_after(told_apart(second, first), 0.1) == pace


def sample(at: float, busy: int, total: int) -> CpuSample:
    return CpuSample(at=at, busy=busy, total=total)


def watched(*samples: CpuSample | None, served: int = 380) -> Rehearsal | None:
    """What is found of a baseline of 20 journeys a second by the counters at its ends."""
    each = iter(samples)
    watch = BusyWatch(85.0, 20.0, lambda: next(each))
    watch.begin(100)
    try:
        watch.end(100 + served)
    except MachineTooBusyError as busy:
        return busy.rehearsal
    return None


def test_what_an_overwhelmed_machine_would_need_follows_from_whom_it_served() -> None:
    half_served = watched(sample(5.0, 0, 0), sample(24.0, 3_724, 3_800), served=190)
    assert half_served == Rehearsal(cpu_percent=98.0, needed_percent=196.0, allowed_percent=85.0)
    all_served = watched(sample(5.0, 0, 0), sample(24.0, 3_040, 3_800), served=400)
    assert all_served == Rehearsal(cpu_percent=80.0, needed_percent=80.0, allowed_percent=85.0)


@pytest.mark.parametrize(
    "samples",
    [
        (sample(5.0, 0, 0), sample(24.0, 2_580, 3_800)),
        (sample(5.0, 0, 0), sample(6.5, 300, 300)),
        (sample(5.0, 7, 9), sample(24.0, 7, 9)),
        (None, sample(24.0, 3_800, 3_800)),
        (sample(5.0, 0, 0), None),
    ],
    ids=["with room left", "too short", "counters that stand still", "no counters at first", "no counters at last"],
)
def test_nothing_is_broken_off_by_a_machine_with_room_or_one_that_does_not_tell(samples: tuple[CpuSample | None, ...]) -> None:
    assert watched(*samples) is None
