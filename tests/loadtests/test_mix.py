import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.mix import Mix

KNOWN = ("browse", "order", "track")


def test_a_mix_reads_journeys_and_their_weights_in_order() -> None:
    assert Mix.parse(" browse=25, order=0.5 ", KNOWN).weights == (("browse", 25.0), ("order", 0.5))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "'' is no share of a mix; write journey=weight"),
        ("browse", "'browse' is no share of a mix"),
        ("=3", "'=3' is no share of a mix"),
        ("brows=3", "unknown journey 'brows'; allowed: browse, order, track"),
        ("browse=1,browse=2", "journey 'browse' is given twice"),
        ("browse=0", "the weight of 'browse' is '0'; allowed: a number above 0"),
        ("browse=-3", "the weight of 'browse' is '-3'"),
        ("browse=nan", "the weight of 'browse' is 'nan'"),
        ("browse=inf", "the weight of 'browse' is 'inf'"),
        ("browse=many", "the weight of 'browse' is 'many'"),
    ],
)
def test_a_mix_that_makes_no_sense_is_refused_with_what_is_allowed(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Mix.parse(text, KNOWN)


def test_what_a_mix_prints_reads_back_as_the_same_mix() -> None:
    mix = Mix.parse("browse=25,order=2.5", KNOWN)
    assert Mix.parse(str(mix), KNOWN) == mix


@given(st.floats(0, 1, exclude_max=True))
def test_every_draw_falls_on_the_journey_whose_share_it_lies_in(uniform: float) -> None:
    chosen = Mix.parse("browse=1,order=2,track=1", KNOWN).chooser().choose(uniform)
    assert chosen == ("browse" if uniform < 0.25 else "order" if uniform < 0.75 else "track")
