"""What verdict.json holds can be read back, and what is not a verdict is refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from chaos.experiment.outcomes import ProofKind, Verdict
from chaos.experiment.result import ArmResult, Result

FIXTURE = Path(__file__).parents[1] / "fixtures" / "outage" / "verdict.json"


def test_a_result_survives_writing_and_reading(tmp_path: Path) -> None:
    result = Result.read(FIXTURE)
    result.write(tmp_path / "verdict.json")
    assert Result.read(tmp_path / "verdict.json") == result
    assert [path.name for path in tmp_path.iterdir()] == ["verdict.json"]


def test_an_arm_and_its_parts_are_found_by_name() -> None:
    arm = Result.read(FIXTURE).arm("none")
    assert isinstance(arm, ArmResult)
    assert arm.verdict is Verdict.LEAKED
    assert arm.journey("order").fault.success == 0.0
    assert [arm.proof(kind).kind for kind in ProofKind] == list(ProofKind)


def test_every_series_has_one_entry_for_each_second() -> None:
    for arm in Result.read(FIXTURE).arms:
        seconds = round(arm.phases[-1].end_s)
        for series in arm.series:
            columns = (series.arrivals, series.succeeded, series.degraded, series.p50_ms, series.p95_ms)
            assert [len(column) for column in columns] == [seconds] * 5


def test_a_share_over_no_journeys_is_none() -> None:
    empty = Result.read(FIXTURE).arm("none").journey("order").fault.model_copy(update={"journeys": 0})
    assert empty.success is None
    assert empty.degraded_share is None


def test_a_result_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "verdict.json"
    path.write_text(FIXTURE.read_text(encoding="utf-8").replace('"run_id"', '"runid"', 1), encoding="utf-8")
    with pytest.raises(ValidationError, match="runid"):
        Result.read(path)


def test_a_write_that_is_refused_leaves_nothing_half_done(tmp_path: Path) -> None:
    result = Result.read(FIXTURE)
    target = tmp_path / "verdict.json"
    target.mkdir()
    with pytest.raises(OSError, match=r"verdict\.json"):
        result.write(target)
    assert [path.name for path in tmp_path.iterdir()] == ["verdict.json"]
