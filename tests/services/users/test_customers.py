"""Signing up, once however often it is asked, and signing in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from services.users.api import Users
from services.users.passwords import MAX_AT_ONCE, MAX_WAITING
from services.users.seed import CUSTOMERS, PASSWORD

if TYPE_CHECKING:
    from tests.services.users.conftest import Desk


async def test_who_signs_up_is_the_first_after_the_seed_and_can_sign_in(desk: Desk) -> None:
    answer = await desk.sign_up(name=" Ada 🐍 ")
    assert (answer.status, answer.json) == (
        201,
        {"customer_id": CUSTOMERS + 1, "email": "ada@feastfast.example", "name": "Ada 🐍"},
    )
    assert (await desk.sign_in()).json == {"customer_id": CUSTOMERS + 1, "name": "Ada 🐍"}


async def test_signing_up_again_with_the_same_password_is_the_same_customer(desk: Desk) -> None:
    first = await desk.sign_up()
    again = await desk.sign_up(email="  ADA@feastfast.example", name="Somebody")
    assert (again.status, again.json) == (201, first.json)


async def test_signing_up_with_somebody_elses_address_is_a_conflict_that_tells_nothing_of_them(desk: Desk) -> None:
    await desk.sign_up(name="Ada Lovelace")
    answer = await desk.sign_up(password="another-one")
    assert answer.status == 409
    assert answer.json["detail"] == "somebody has signed up with this email; sign in, or take another"
    assert (await desk.sign_in()).status == 200


async def test_of_sign_ups_that_race_for_an_address_one_wins(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.sign_up(password=f"password-{number}") for number in range(6)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 5
    winner = next(number for number, answer in enumerate(answers) if answer.status == 201)
    assert (await desk.sign_in(password=f"password-{winner}")).status == 200


async def test_one_sign_up_that_is_sent_several_times_at_once_is_one_customer(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.sign_up() for _ in range(6)))
    assert {(answer.status, answer.json["customer_id"]) for answer in answers} == {(201, CUSTOMERS + 1)}


async def test_the_seed_signs_in_under_any_spelling(desk: Desk) -> None:
    answer = await desk.sign_in(email="Customer-0042@FEASTFAST.example ", password=PASSWORD)
    assert (answer.status, answer.json["customer_id"]) == (200, 42)


@pytest.mark.parametrize("email", ["nobody@feastfast.example", "no address", "a\x00b@feastfast.example", "' OR 1=1 --"])
async def test_who_is_not_known_and_who_errs_are_answered_alike(desk: Desk, email: str) -> None:
    await desk.sign_up()
    unknown, wrong = await desk.sign_in(email=email), await desk.sign_in(password="wrong-password")
    assert (unknown.status, wrong.status) == (401, 401)
    assert unknown.json["detail"] == wrong.json["detail"] == "email or password is wrong"


@pytest.mark.parametrize(
    "changed",
    [
        *({"email": "ada"}, {"email": "a\x00@feastfast.example"}, {"email": "\ud800@feastfast.example"}, {"email": 5}),
        *({"email": "a" * 190 + "@feastfast.example"}, {"email": None}, {"name": ""}, {"name": "a\x00b"}, {"name": "\ud800"}),
        *({"name": " "}, {"name": "a" * 101}, {"name": ["Ada"]}, {"password": "short77"}, {"password": "p" * 201}),
        *({"password": "\ud800\ud800\ud800\ud800\ud800\ud800\ud800\ud800"}, {"password": True}),
    ],
    ids=ascii,
)
async def test_a_sign_up_that_cannot_be_kept_says_what_is_wrong(desk: Desk, changed: dict[str, object]) -> None:
    answer = await desk.sign_up(**changed)
    assert answer.status == 422
    (place,) = changed
    assert place in answer.json["detail"]


async def test_a_password_of_any_characters_is_kept(desk: Desk) -> None:
    assert (await desk.sign_up(password="пароль\x00🔑")).status == 201
    assert (await desk.sign_in(password="пароль\x00🔑")).status == 200


async def test_a_crowd_is_sent_away_with_an_answer_below_500_which_opens_no_breaker(desk: Desk) -> None:
    users: Users = desk.app.state.service
    await desk.sign_up()
    for _ in range(MAX_AT_ONCE):
        await users.passwords._places.acquire()
    users.passwords._waiting = MAX_WAITING
    answer = await desk.sign_in()
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")
