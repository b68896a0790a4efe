"""Which answers are kept, for how long, and how many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.message import Reply
from services.kit.resilience.answer_cache import AnswerCache
from services.policy import Fallback, FallbackKind

if TYPE_CHECKING:
    from tests.services.kit.conftest import HandClock

MENU = Reply(200, b'{"dishes": []}')
KEY = "GET /menu"


@pytest.fixture
def cached(clock: HandClock) -> AnswerCache:
    return AnswerCache(Fallback(kind=FallbackKind.CACHED, ttl_ms="60s", max_entries=3), clock)


@pytest.fixture
def stale(clock: HandClock) -> AnswerCache:
    return AnswerCache(Fallback(kind=FallbackKind.STALE_WHILE_ERROR, fresh_ms="5s", ttl_ms="60s"), clock)


def test_an_answer_is_usable_until_it_is_too_old(cached: AnswerCache, clock: HandClock) -> None:
    cached.keep(KEY, MENU)
    clock.advance_ms(60_000)
    assert cached.usable(KEY) is MENU
    clock.advance_ms(1)
    assert cached.usable(KEY) is None


def test_an_answer_is_fresh_for_less_time_than_it_is_usable(stale: AnswerCache, clock: HandClock) -> None:
    stale.keep(KEY, MENU)
    clock.advance_ms(5_000)
    assert stale.fresh(KEY) is MENU
    clock.advance_ms(1)
    assert stale.fresh(KEY) is None
    assert stale.usable(KEY) is MENU


def test_without_a_fresh_time_the_callee_is_always_asked(cached: AnswerCache) -> None:
    cached.keep(KEY, MENU)
    assert cached.fresh(KEY) is None


def test_a_newer_answer_takes_the_place_of_the_older_and_is_young_again(cached: AnswerCache, clock: HandClock) -> None:
    cached.keep(KEY, MENU)
    clock.advance_ms(59_000)
    newer = Reply(200, b"{}")
    cached.keep(KEY, newer)
    clock.advance_ms(59_000)
    assert cached.usable(KEY) is newer


@pytest.mark.parametrize("status", [300, 304, 400, 401, 409, 422, 429])
def test_only_success_is_kept_and_a_refusal_leaves_what_is_kept(cached: AnswerCache, status: int) -> None:
    cached.keep(KEY, Reply(status, b""))
    assert cached.usable(KEY) is None
    cached.keep(KEY, MENU)
    cached.keep(KEY, Reply(status, b""))
    assert cached.usable(KEY) is MENU


@pytest.mark.parametrize("status", [404, 410])
def test_what_does_not_exist_any_more_is_not_served_any_more(cached: AnswerCache, status: int) -> None:
    cached.keep(KEY, MENU)
    cached.keep(KEY, Reply(status, b""))
    assert cached.usable(KEY) is None


def test_a_degraded_answer_does_not_take_the_place_of_a_good_one(cached: AnswerCache) -> None:
    cached.keep(KEY, MENU)
    cached.keep(KEY, Reply(200, b"{}", degraded="static"))
    assert cached.usable(KEY) is MENU


def test_the_least_used_goes_first(cached: AnswerCache) -> None:
    for key in "abc":
        cached.keep(key, MENU)
    cached.usable("a")
    cached.keep("d", MENU)
    assert [cached.usable(key) is not None for key in "abcd"] == [True, False, True, True]


def test_a_large_answer_makes_others_go_and_one_too_large_has_no_room(clock: HandClock) -> None:
    cache = AnswerCache(Fallback(kind=FallbackKind.CACHED, ttl_ms="60s"), clock, max_bytes=2_000)
    cache.keep("a", Reply(200, b"x" * 700))
    cache.keep("b", Reply(200, b"x" * 700))
    cache.keep("c", Reply(200, b"x" * 1_000))
    assert [cache.usable(key) is not None for key in "abc"] == [False, False, True]
    cache.keep("c", Reply(200, b"x" * 2_000))
    assert cache.usable("c") is not None


@given(
    actions=st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from([200, 204, 404, 409]), st.integers(0, 2_000), st.booleans()),
        max_size=60,
    ),
    max_entries=st.integers(1, 4),
    ages=st.lists(st.integers(0, 40), min_size=60, max_size=60),
)
def test_neither_number_nor_bytes_nor_age_are_ever_exceeded_and_the_last_good_answer_is_the_one_given(
    actions: list[tuple[str, int, int, bool]], max_entries: int, ages: list[int]
) -> None:
    now_s = 0.0
    cache = AnswerCache(Fallback(kind=FallbackKind.CACHED, ttl_ms="60s", max_entries=max_entries), lambda: now_s, max_bytes=3_000)
    kept: dict[str, tuple[Reply, float]] = {}
    for (key, status, size, asks), age_s in zip(actions, ages, strict=False):
        now_s += age_s
        if asks:
            found, (last, at_s) = cache.usable(key), kept.get(key, (None, 0.0))
            assert found is None or (found is last and now_s - at_s <= 60)
        else:
            reply = Reply(status, b"x" * size)
            cache.keep(key, reply)
            if status == 404:
                kept.pop(key, None)
            elif status < 300:
                kept[key] = (reply, now_s)
        assert len(cache._kept) <= max_entries
        assert sum(len(each.reply.body) for each in cache._kept.values()) <= 3_000
        assert cache._bytes == sum(each.size for each in cache._kept.values())
