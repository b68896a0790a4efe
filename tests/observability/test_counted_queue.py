"""What waits for an exporting thread: so much at most, and what gets lost is counted."""

from __future__ import annotations

import pytest

from observability.counted_queue import CountedQueue


@pytest.fixture
def dropped() -> list[int]:
    return []


@pytest.fixture
def queue(dropped: list[int]) -> CountedQueue:
    return CountedQueue(2, dropped.append)


def test_so_many_may_wait_and_one_more_is_counted_as_lost(queue: CountedQueue, dropped: list[int]) -> None:
    assert [queue.admit() for _ in range(3)] == [True, True, False]
    assert (queue.waiting, dropped) == (2, [1])


def test_one_that_was_admitted_and_cannot_be_queued_is_lost_and_leaves_its_place(queue: CountedQueue, dropped: list[int]) -> None:
    assert queue.admit()
    assert queue.admit()
    queue.withdraw()
    assert (queue.waiting, dropped) == (1, [1])
    assert queue.admit()


def test_a_batch_on_its_way_makes_room(queue: CountedQueue, dropped: list[int]) -> None:
    assert queue.admit()
    assert queue.admit()
    assert queue.hand_on(["one", "two"], lambda batch: len(batch) == 2, True)
    assert (queue.waiting, dropped) == (0, [])


def test_a_batch_that_is_refused_is_lost(queue: CountedQueue, dropped: list[int]) -> None:
    assert queue.admit()
    assert not queue.hand_on(["one"], lambda _: False, True)
    assert (queue.waiting, dropped) == (0, [1])


def test_a_batch_that_cannot_be_sent_is_lost_and_its_error_is_seen(queue: CountedQueue, dropped: list[int]) -> None:
    def fail(_: object) -> bool:
        raise RuntimeError("cannot encode")

    assert queue.admit()
    with pytest.raises(RuntimeError, match="cannot encode"):
        queue.hand_on(["one"], fail, True)
    assert (queue.waiting, dropped) == (0, [1])
