"""Who is shed first: the less urgent leave room to the more urgent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.kit.resilience.shed import LEAST_SHARE, room_for

limits = st.integers(1, 10_000)


@given(limit=limits)
def test_the_less_urgent_never_has_more_room_and_nobody_more_than_the_limit(limit: int) -> None:
    rooms = [room_for(urgency, limit) for urgency in range(8)]
    assert rooms == sorted(rooms, reverse=True)
    assert rooms[0] == rooms[1] == limit
    assert rooms[7] >= 1
    assert rooms[7] >= limit * LEAST_SHARE


@given(limit=st.integers(20, 10_000))
def test_every_urgency_below_the_most_urgent_is_told_from_the_next(limit: int) -> None:
    rooms = [room_for(urgency, limit) for urgency in range(1, 8)]
    assert len(set(rooms)) == len(rooms)


def test_what_nobody_said_anything_about_leaves_a_sixth_to_what_must_be_finished() -> None:
    assert (room_for(3, 60), room_for(1, 60)) == (50, 60)


@given(urgency=st.integers(-5, 20))
def test_a_limit_of_one_lets_one_in(urgency: int) -> None:
    assert room_for(urgency, 1) == 1
