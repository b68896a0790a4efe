"""Two passwords at once, few who wait, and none who waits long."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Literal

import pytest
from argon2 import PasswordHasher, extract_parameters

from services.kit.errors import TooManyRequestsError
from services.users.passwords import MAX_AT_ONCE, MAX_WAIT_S, MAX_WAITING, Passwords
from services.users.seed import PASSWORD, PASSWORD_HASH

BOUND_S = 30.0
"""For what must happen; nothing here takes as long."""


class SlowHasher(PasswordHasher):
    """Checks until it is let go, and counts how many it checks at once."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.started = threading.Semaphore(0)
        self.going_on = threading.Event()
        self.now = self.most = 0
        self._lock = threading.Lock()

    def verify(self, _hash: str | bytes, password: str | bytes) -> Literal[True]:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.started.release()
        assert self.going_on.wait(BOUND_S)
        with self._lock:
            self.now -= 1
        return True


async def busy(hasher: SlowHasher) -> None:
    """Waits until all places are taken."""
    for _ in range(MAX_AT_ONCE):
        assert await asyncio.to_thread(hasher.started.acquire, timeout=BOUND_S)


def crowd(passwords: Passwords, size: int) -> list[asyncio.Task[bool]]:
    return [asyncio.ensure_future(passwords.matches("", "")) for _ in range(size)]


async def end(hasher: SlowHasher, *others: Coroutine[Any, Any, bool] | asyncio.Task[bool]) -> list[bool | BaseException]:
    hasher.going_on.set()
    return await asyncio.gather(*others, return_exceptions=True)


async def test_a_hash_is_argon2id_at_seven_mebibytes_five_passes_and_one_lane() -> None:
    stored = await Passwords().hash("long-enough")
    found = extract_parameters(stored)
    assert (found.type.name, found.memory_cost, found.time_cost, found.parallelism) == ("ID", 7 * 1_024, 5, 1)


async def test_the_seed_is_hashed_alike() -> None:
    assert extract_parameters(PASSWORD_HASH) == extract_parameters(await Passwords().hash("x"))
    assert await Passwords().matches(PASSWORD_HASH, PASSWORD)


@pytest.mark.parametrize("stored", ["", "nonsense", "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA"])
async def test_what_is_no_hash_matches_nothing(stored: str) -> None:
    assert not await Passwords().matches(stored, "long-enough")


async def test_a_password_in_any_alphabet_matches_itself_alone() -> None:
    passwords = Passwords()
    stored = await passwords.hash("пароль 🔑\x00")
    assert await passwords.matches(stored, "пароль 🔑\x00")
    assert not await passwords.matches(stored, "пароль 🔑")


async def test_no_more_than_two_are_checked_at_once() -> None:
    hasher = SlowHasher()
    tasks = crowd(Passwords(hasher), 5)
    await busy(hasher)
    assert await end(hasher, *tasks) == [True] * 5
    assert hasher.most == MAX_AT_ONCE


async def test_who_would_wait_behind_a_crowd_is_sent_away_at_once() -> None:
    hasher = SlowHasher()
    passwords = Passwords(hasher)
    tasks = crowd(passwords, MAX_AT_ONCE + MAX_WAITING)
    await asyncio.sleep(0)
    with pytest.raises(TooManyRequestsError, match="too many passwords") as caught:
        await passwords.matches("", "")
    assert caught.value.headers == {"Retry-After": "1"}
    await end(hasher, *tasks)


async def test_who_has_waited_as_long_as_anybody_may_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.users.passwords.MAX_WAIT_S", 0.0)
    hasher = SlowHasher()
    passwords = Passwords(hasher)
    tasks = crowd(passwords, MAX_AT_ONCE)
    await busy(hasher)
    with pytest.raises(TooManyRequestsError):
        await passwords.matches("", "")
    monkeypatch.undo()
    await end(hasher, *tasks)
    assert await passwords.matches("", "")


async def test_who_gives_up_leaves_the_place_when_the_thread_does() -> None:
    hasher = SlowHasher()
    passwords = Passwords(hasher)
    tasks = crowd(passwords, MAX_AT_ONCE)
    await busy(hasher)
    tasks[0].cancel()
    later = crowd(passwords, 1)
    await asyncio.sleep(0)
    outcomes = await end(hasher, *tasks, *later)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert outcomes[1:] == [True, True]
    assert hasher.most == MAX_AT_ONCE


def test_waiting_and_a_hash_fit_into_one_attempt_of_the_gateway() -> None:
    hash_on_a_busy_machine_s = 0.3
    assert MAX_WAIT_S + hash_on_a_busy_machine_s < 1.0
