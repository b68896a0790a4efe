"""Where serving is slow on purpose, so many are inside and nobody waits outside."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from services.gateway.asking import Gateway
from services.gateway.room import SIGNING_IN, Room
from services.kit.errors import OverloadedError

if TYPE_CHECKING:
    from tests.services.gateway.conftest import Backends, Door


def test_who_finds_it_full_is_sent_away_and_a_place_that_is_left_is_free() -> None:
    room = Room(2)
    with room.place():
        with room.place(), pytest.raises(OverloadedError), room.place():
            pass
        with room.place():
            pass


def test_who_leaves_in_anger_leaves_the_place_too() -> None:
    room = Room(1)
    with pytest.raises(RuntimeError), room.place():
        raise RuntimeError
    with room.place():
        pass


@pytest.mark.parametrize("path", ["/v1/sessions", "/v1/customers"])
async def test_nobody_is_signed_in_or_up_beyond_what_the_room_holds(door: Door, backends: Backends, path: str) -> None:
    gateway: Gateway = door.app.state.service
    body = {"email": "ada@feastfast.example", "name": "Ada", "password": "long-enough"}
    backends.answer("POST /internal/sign-in", {"customer_id": 7})
    backends.answer("POST /internal/customers", {"customer_id": 7, "email": "ada@feastfast.example", "name": "Ada"})
    with ExitStack() as others:
        for _ in range(SIGNING_IN):
            others.enter_context(gateway.desk.place())
        answer = await door.ask("POST", path, body, customer=None)
        assert (answer.status, answer.headers["retry-after"], backends.asked) == (503, "1", [])
    assert (await door.ask("POST", path, body, customer=None)).status == 201
