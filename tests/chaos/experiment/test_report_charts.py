"""Numbers as texts, positions and paths: what the report draws, without a page around it."""

from itertools import pairwise
from pathlib import Path

import pytest

from chaos.experiment.report.blocks import MAX_BLOCKS, Block, block_length_s, blocks
from chaos.experiment.report.charts import MAX_TICKS, LogScale, apart, band_path, line_path, log_scale, per_cent, time_ticks
from chaos.experiment.report.formats import MINUS, NBSP, NOTHING, labelled_number, milliseconds, percent, points
from chaos.experiment.report.journeys import change_plot, journey_table
from chaos.experiment.report.panel import SHARE_PX, bands, columns, lines, recovered
from chaos.experiment.result import ArmResult, Comparison, JourneySeries, Recovery, Result

FIXTURE = Path(__file__).parents[1] / "fixtures" / "outage" / "verdict.json"


@pytest.fixture
def arm() -> ArmResult:
    return Result.read(FIXTURE).arm("declared")


def block(second: int, journeys: int, succeeded: int, degraded: int = 0, p95_ms: float | None = 20.0) -> Block:
    p50_ms = None if p95_ms is None else p95_ms / 2
    return Block(float(second), second + 1.0, journeys, succeeded, degraded, p50_ms, p95_ms)


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100 %"), (0.0, "0 %"), (0.9983, "99.8 %"), (0.99999, "> 99.9 %"), (0.00001, "< 0.1 %"), (None, NOTHING)],
)
def test_a_share_reads_as_all_or_nothing_only_when_it_is(share: float | None, text: str) -> None:
    assert percent(share).replace(NBSP, " ") == text


def test_a_change_carries_its_sign_and_a_change_of_nothing_none() -> None:
    assert points(-0.0123) == f"{MINUS}1.2"
    assert points(0.5) == "+50"
    assert points(-0.00001) == "0"


@pytest.mark.parametrize(
    ("value_ms", "text"),
    [
        (0, "0 ms"),
        (4.25, "4.2 ms"),
        (9.96, "10 ms"),
        (999.4, "999 ms"),
        (1_250, "1.25 s"),
        (12_340, "12.3 s"),
        (-57.2, f"{MINUS}57 ms"),
    ],
)
def test_a_duration_has_the_unit_that_keeps_it_short(value_ms: float, text: str) -> None:
    assert milliseconds(value_ms).replace(NBSP, " ") == text


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("down_s", 20.0, ("down", "20 s")),
        ("served_fault_per_s", 47.3, ("served fault", "47.3 /s")),
        ("without_courier", 0.0, ("without courier", "0")),
        ("lost_share", 0.125, ("lost", "12.5 %")),
        ("accepted", 12_345.0, ("accepted", "12 345")),
    ],
)
def test_a_proofs_number_takes_its_unit_from_its_name(name: str, value: float, said: tuple[str, str]) -> None:
    label, text = labelled_number(name, value)
    assert (label, text.replace(NBSP, " ")) == said


def test_latencies_lie_between_whole_decades() -> None:
    scale = log_scale([3.0, 40.0, 2_500.0], 64)
    assert scale.decades() == (1.0, 10.0, 100.0, 1_000.0, 10_000.0)
    assert scale.at(1.0) == 64
    assert scale.at(10_000.0) == 0
    assert scale.at(100.0) == 32
    assert scale.at(0.0) == 64


def test_an_axis_without_any_latency_can_still_be_drawn() -> None:
    assert log_scale([], 64).decades() == (10.0, 100.0, 1_000.0)
    assert log_scale([10.0], 64).decades() == (10.0, 100.0)


@pytest.mark.parametrize("length_s", [1, 7, 60, 95, 600, 3_600, 100_000])
def test_ticks_of_time_are_few_round_and_evenly_spaced(length_s: int) -> None:
    ticks = time_ticks(float(length_s))
    assert 2 <= len(ticks) <= MAX_TICKS + 1
    assert ticks[0].label == "0"
    steps = {round(after.at - before.at, 1) for before, after in pairwise(ticks)}
    assert max(steps) - min(steps) <= 0.1001


def test_what_lies_outside_an_axis_is_drawn_on_its_edge() -> None:
    assert [per_cent(value, 60) for value in (-1, 15, 61)] == [0.0, 25.0, 100.0]
    assert per_cent(1, 0) == 0.0


def test_a_line_breaks_at_a_gap_and_keeps_a_lonely_value_as_a_dot() -> None:
    assert line_path([1.0, 2.0, None, 3.0, None]) == "M0.5 1L1.5 2M3.5 3h0"
    assert line_path([None, None]) == ""


def test_the_area_between_two_lines_breaks_where_either_does() -> None:
    assert band_path([1.0, 2.0, None, 5.0], [3.0, 4.0, 5.0, 6.0]) == "M0.5 1L1.5 2L1.5 4L0.5 3Z"


def test_labels_that_would_cover_each_other_move_apart() -> None:
    assert apart(10.0, 14.0) == (6.0, 18.0)
    assert apart(10.0, 40.0) == (10.0, 40.0)


def test_columns_are_stacked_to_the_full_height() -> None:
    (column,) = columns([block(0, journeys=10, succeeded=8, degraded=3)], 1)
    assert column.failed_px == pytest.approx(SHARE_PX * 0.2, abs=0.1)
    assert column.degraded_px == pytest.approx(SHARE_PX * 0.3, abs=0.1)
    assert column.failed_px + column.degraded_px + column.ok_px == pytest.approx(SHARE_PX, abs=0.1)
    assert column.degraded_y == column.failed_px
    assert column.ok_y == pytest.approx(column.failed_px + column.degraded_px, abs=0.1)


def test_seconds_of_one_composition_are_drawn_as_one_and_a_second_without_journeys_stays_blank() -> None:
    seconds = [block(0, 4, 4), block(1, 9, 9), block(2, 0, 0), block(3, 5, 5), block(4, 5, 0)]
    assert [(column.x, column.width) for column in columns(seconds, 5)] == [(0, 40), (60, 20), (80, 20)]


def test_a_journey_that_was_degraded_and_failed_all_the_same_counts_as_failed() -> None:
    hit = block(0, journeys=10, succeeded=4, degraded=10)
    assert (hit.failed_share, hit.degraded_share) == (0.6, 0.4)


def test_a_series_without_any_latency_has_no_lines() -> None:
    assert lines([block(0, 0, 0, p95_ms=None)], LogScale(1, 1_000, 64)) is None


def test_a_long_arm_is_drawn_in_blocks_that_lose_no_journey_and_show_the_worst_second() -> None:
    series = JourneySeries(
        name="order",
        arrivals=(2,) * 605,
        succeeded=(1,) * 605,
        degraded=(0,) * 605,
        p50_ms=(None,) * 605,
        p95_ms=(*(float(i) for i in range(604)), None),
    )
    length_s = block_length_s(605, charts=2)
    found = blocks(series, length_s)
    assert len(found) <= MAX_BLOCKS
    assert sum(each.journeys for each in found) == 1_210
    assert found[0].p95_ms == length_s - 1
    assert (found[0].p50_ms, found[-1].end_s) == (None, 605)


def test_more_charts_share_the_same_room() -> None:
    assert block_length_s(60, charts=8) == 1
    assert block_length_s(60, charts=96) == 3


def test_the_shaded_window_is_when_the_fault_really_was_in_force(arm: ArmResult) -> None:
    assert arm.fault is not None
    late = arm.model_copy(update={"fault": arm.fault.model_copy(update={"applied_s": 30.0, "lifted_s": 42.0})})
    fault = next(band for band in bands(late, 60) if band.name == "fault")
    assert (fault.x, fault.width) == (50, 20)


def test_an_arm_without_a_fault_shades_nothing(arm: ArmResult) -> None:
    found = bands(arm.model_copy(update={"fault": None}), 60)
    assert [band.name for band in found] == ["warmup", "baseline", "unharmed", "recovery"]


def test_recovery_is_marked_where_every_journey_was_back_and_not_before(arm: ArmResult) -> None:
    mark = recovered(arm, 60)
    assert mark is not None
    assert mark.at == pytest.approx((45.01 + 4.3) / 60 * 100, abs=0.01)
    assert recovered(arm.model_copy(update={"recovery": Recovery(recovered=False, after_s=None, last_journey=None)}), 60) is None


def test_a_change_is_placed_against_its_margin(arm: ArmResult) -> None:
    comparison = arm.journey("order").comparison
    assert isinstance(comparison, Comparison)
    held = change_plot(comparison)
    assert held.margin < held.low < held.point < held.high
    assert (held.point, held.beyond) == (held.zero, "")
    assert change_plot(comparison.model_copy(update={"drop": 1.0})).beyond == "worse"
    assert change_plot(comparison.model_copy(update={"drop": -1.0})).beyond == "better"


def test_a_journey_that_one_arm_did_not_run_leaves_its_place_empty() -> None:
    result = Result.read(FIXTURE)
    first, second = result.arms
    fewer = second.model_copy(update={"journeys": second.journeys[1:]})
    rows = {row.name: row for row in journey_table(result.model_copy(update={"arms": (first, fewer)})).rows}
    assert rows["browse"].cells[0] is not None
    assert rows["browse"].cells[1] is None
