"""Customers browse while restaurants is dead; without policies they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos.faults import Error

if TYPE_CHECKING:
    from pathlib import Path

    from tests.feastfast.system import FeastFast, Start

BROWSED = ("/v1/restaurants", "/v1/restaurants/7/menu", "/v1/dishes/popular")


@pytest.mark.parametrize("noticed", [True, False], ids=["noticed", "unnoticed"])
async def test_what_somebody_saw_before_restaurants_died_is_shown_again_and_marked(system: FeastFast, *, noticed: bool) -> None:
    before = [await system.ask("GET", path) for path in BROWSED]
    await system.kill("restaurants", noticed=noticed)
    again = [await system.ask("GET", path) for path in BROWSED]
    assert [(answer.status, answer.headers["Degraded"]) for answer in again] == [(200, "cached")] * 3
    assert [answer.json for answer in again] == [answer.json for answer in before]
    unseen = await system.ask("GET", "/v1/restaurants/8/menu")
    assert (unseen.status, unseen.headers["Content-Type"], "Degraded" in unseen.headers) == (
        503,
        "application/problem+json",
        False,
    )


async def test_nothing_is_marked_any_more_once_restaurants_is_back(tmp_path: Path, start: Start) -> None:
    async with start(tmp_path, map_changes={r"reset_timeout: \w+": "reset_timeout: 200ms"}) as system:
        await system.ask("GET", "/v1/restaurants/7/menu")
        await system.kill("restaurants")
        for _ in range(5):
            assert (await system.ask("GET", "/v1/restaurants/7/menu")).headers["Degraded"] == "cached"
        await system.revive("restaurants")
        await system.eventually(lambda: is_new(system))


async def is_new(system: FeastFast) -> bool:
    """Whether restaurants itself answers, and the breaker stands in its way no more."""
    answer = await system.ask("GET", "/v1/restaurants/7/menu")
    return answer.status == 200 and "Degraded" not in answer.headers


async def test_restaurants_that_answers_with_errors_stops_nobody_from_browsing_either(system: FeastFast) -> None:
    await system.ask("GET", "/v1/restaurants/7/menu")
    await system.inject("restaurants", Error())
    answer = await system.ask("GET", "/v1/restaurants/7/menu")
    assert (answer.status, answer.headers["Degraded"]) == (200, "cached")


async def test_without_policies_browsing_ends_with_restaurants(unprotected: FeastFast) -> None:
    await unprotected.ask("GET", "/v1/restaurants/7/menu")
    await unprotected.kill("restaurants")
    assert (await unprotected.ask("GET", "/v1/restaurants/7/menu")).status == 503
