"""The picture of a run: every arm on the same axes, names beside the lines, and nothing of a run's folder as markup."""

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks._plot import HEIGHT, spread
from benchmarks.picture import main, picture
from chaos.experiment.outcomes import ObjectiveKind, ObjectiveStatus, Role
from chaos.experiment.result import ObjectiveResult, Result

FIXTURE = Path(__file__).parents[1] / "chaos" / "fixtures" / "outage" / "verdict.json"
SVG = "{http://www.w3.org/2000/svg}"
GAP_PX = 25.0


@pytest.fixture
def result() -> Result:
    return Result.read(FIXTURE)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "facts.json").write_text("{}")
    shutil.copy(FIXTURE, folder / "verdict.json")
    return folder


def parsed(text: str) -> Element:
    return fromstring(text)  # noqa: S314 - drawn a moment ago, by the function under test.


def texts(svg: Element) -> list[str]:
    return [each.text or "" for each in svg.iter(f"{SVG}text")]


def lines(svg: Element) -> list[str]:
    """Classes of the lines drawn, in their order."""
    return [each.get("class", "") for each in svg.iter(f"{SVG}path") if each.get("class", "").startswith("line ")]


def test_a_run_is_drawn_with_the_judged_journeys_of_all_its_arms(result: Result) -> None:
    svg = parsed(picture(result))
    headings = [text for text in texts(svg) if text.endswith((": successes a second", ": 95th percentile"))]
    assert headings == [
        "browse: successes a second",
        "browse: 95th percentile",
        "order: successes a second",
        "order: 95th percentile",
    ]
    assert lines(svg) == ["line arm1", "line arm0"] * 4


def test_a_line_carries_its_arm_and_its_figure_of_the_fault(result: Result) -> None:
    svg = parsed(picture(result, ["order"]))
    success = result.arm("none").journey("order").fault.success
    assert success is not None
    found = [text.replace("\xa0", " ") for text in texts(svg)]
    assert found[found.index("Unprotected") + 1] == f"{success * 100:.1f}".removesuffix(".0") + " % succeed"


def test_the_verdicts_stand_in_the_picture_so_that_none_of_an_invalid_run_is_shown_unawares(result: Result) -> None:
    assert f"Protected: {result.arm('declared').verdict}, Unprotected: {result.arm('none').verdict}" in texts(
        parsed(picture(result))
    )


def test_an_objective_is_told_with_its_bound_and_what_each_arm_showed(result: Result) -> None:
    held = ObjectiveResult(
        kind=ObjectiveKind.AMPLIFICATION,
        subject="orders->payments",
        status=ObjectiveStatus.HELD,
        bound=1.2,
        measured=1.02,
        interval=None,
        p_value=None,
        sentence="held",
    )
    never = held.model_copy(update={"status": ObjectiveStatus.VIOLATED, "measured": None})
    declared, none = result.arms
    arms = (declared.model_copy(update={"objectives": (held,)}), none.model_copy(update={"objectives": (never,)}))
    found = texts(parsed(picture(result.model_copy(update={"arms": arms}))))
    assert "Attempts for each call (orders->payments), at most 1.2: Protected 1.02, Unprotected violated" in found


def test_without_judged_journeys_those_that_may_degrade_are_drawn(result: Result) -> None:
    arms = tuple(
        arm.model_copy(
            update={
                "journeys": tuple(
                    journey.model_copy(update={"role": Role.WATCHED}) if journey.role is Role.JUDGED else journey
                    for journey in arm.journeys
                )
            }
        )
        for arm in result.arms
    )
    assert "track: successes a second" in texts(parsed(picture(result.model_copy(update={"arms": arms}))))


def test_figures_may_be_those_of_the_recovery(result: Result) -> None:
    assert picture(result, ["order"], window="recovery") != picture(result, ["order"])
    assert "of the time after it" in picture(result, ["order"], window="recovery")


def test_the_shade_lies_where_the_fault_was_in_force(result: Result) -> None:
    fault = result.arms[0].fault
    assert fault is not None
    shades = [each for each in parsed(picture(result)).iter(f"{SVG}rect") if each.get("class") == "fault"]
    assert {(each.get("x"), each.get("width")) for each in shades} == {
        (f"{fault.applied_s:g}", f"{fault.lifted_s - fault.applied_s:g}")
    }


def test_an_arm_whose_fault_was_never_applied_has_no_shade(result: Result) -> None:
    bare = result.model_copy(update={"arms": tuple(arm.model_copy(update={"fault": None}) for arm in result.arms)})
    assert not [each for each in parsed(picture(bare)).iter(f"{SVG}rect") if each.get("class") == "fault"]


def test_a_second_without_journeys_is_a_gap_in_the_line(result: Result) -> None:
    arm = result.arms[0]
    holed = arm.series[0].model_copy(update={"p95_ms": (10.0, None, *arm.series[0].p95_ms[2:])})
    only = result.model_copy(update={"arms": (arm.model_copy(update={"series": (holed,)}),)})
    paths = [each.get("d", "") for each in parsed(picture(only, [holed.name])).iter(f"{SVG}path")]
    assert any(re.match(r"M0\.5 [\d.]+h0M2\.5", path) for path in paths)


def test_what_a_run_says_of_itself_is_never_markup(result: Result) -> None:
    title = "<script>alert(1)</script>&"
    named = result.model_copy(update={"experiment": result.experiment.model_copy(update={"title": title})})
    svg = parsed(picture(named))
    assert title in texts(svg)
    assert not list(svg.iter(f"{SVG}script"))


def test_the_picture_knows_light_and_dark_and_asks_nobody_for_anything(result: Result) -> None:
    drawn = picture(result)
    assert "prefers-color-scheme: dark" in drawn
    assert re.findall(r"https?://[^\"'\s]+", drawn) == ["http://www.w3.org/2000/svg"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--journey", "nix"], "'nix' is no journey of this run; allowed: browse, order"),
        (["--arm", "nix"], "'nix' is no arm of this run; allowed: declared, none"),
        (["--arm", "none"] * 5, "5 of --arm are more than a picture can show; at most 4"),
    ],
)
def test_what_a_run_does_not_have_is_refused_with_what_it_has(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main([str(run), str(tmp_path / "out.svg"), *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["", "{}", json.dumps({"format": 1})])
def test_a_damaged_verdict_is_a_sentence_and_no_traceback(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    (run / "verdict.json").write_text(damage)
    assert main([str(run), str(tmp_path / "out.svg")]) == 2
    assert capsys.readouterr().err.startswith("picture: ")


def test_the_picture_is_written_where_it_was_asked_for(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.svg"
    assert main([str(run), str(out), "--journey", "order"]) == 0
    assert parsed(out.read_text(encoding="utf-8")).tag == f"{SVG}svg"


@given(st.lists(st.floats(0, HEIGHT), min_size=1, max_size=4))
def test_labels_never_cover_each_other_and_stay_in_the_order_of_their_lines(heights: list[float]) -> None:
    placed = spread(heights, GAP_PX, HEIGHT)
    by_line = [height for _, height in sorted(zip(heights, placed, strict=True))]
    assert all(later - earlier >= GAP_PX - 1e-9 for earlier, later in pairwise(by_line))
    assert all(0 <= height <= HEIGHT for height in placed)
