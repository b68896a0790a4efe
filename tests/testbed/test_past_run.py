from pathlib import Path

import pytest

from testbed.past_run import arm_of


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for arm in ("first/arms/declared", "second/arms/declared", "second/arms/none"):
        (tmp_path / arm / "logs").mkdir(parents=True)
    (tmp_path / "latest").symlink_to("second")
    return tmp_path


def test_an_arm_is_found_by_its_run_and_name(runs: Path) -> None:
    assert arm_of("second/none", runs).logs == runs / "second" / "arms" / "none" / "logs"
    assert arm_of("latest/none", runs).logs.resolve() == runs / "second" / "arms" / "none" / "logs"


def test_the_only_arm_of_a_run_need_not_be_named(runs: Path) -> None:
    assert arm_of("first", runs).root == runs / "first" / "arms" / "declared"


def test_of_several_arms_one_must_be_named(runs: Path) -> None:
    with pytest.raises(LookupError, match="run 'latest' has several arms; name one: latest/declared, latest/none"):
        arm_of("latest", runs)


def test_an_unknown_arm_or_run_is_answered_with_what_there_is(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="has no arm 'nine'; allowed: first/declared"):
        arm_of("first/nine", runs)
    with pytest.raises(LookupError, match=r"no run 'third' with logs; the newest in .*: second, first"):
        arm_of("third", runs)
    with pytest.raises(LookupError, match="holds none yet; make one with: chaos run NAME"):
        arm_of("third", tmp_path / "nowhere")
