"""Metrics as text: as the library writes them, but never for long at a time."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.openmetrics.exposition import generate_latest

from observability.exposition import SLICE_SAMPLES, exposition, slices
from observability.metrics import Metrics


@pytest.fixture
def registry() -> CollectorRegistry:
    """More series of one family than a slice has, a family without any, and names that want care."""
    registry = CollectorRegistry()
    many = Counter("calls", 'Calls, "quoted"\nand broken.', ["edge"], registry=registry)
    for number in range(3 * SLICE_SAMPLES + 1):
        many.labels(f'a->"{number}\\\n').inc(exemplar={"trace_id": "7"})
    Gauge("nothing", "Without a series.", ["edge"], registry=registry)
    Gauge("left_s", "With a unit.", unit="seconds", registry=registry)
    return registry


async def test_the_text_is_the_librarys_own(registry: CollectorRegistry) -> None:
    assert await exposition(registry) == generate_latest(registry)  # type: ignore[no-untyped-call]  # the library leaves it untyped


async def test_what_is_ready_to_run_comes_between_two_slices(registry: CollectorRegistry) -> None:
    turns = 0

    async def other_work() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(other_work())
    await exposition(registry)
    other.cancel()
    assert turns >= 3


def test_no_slice_has_more_samples_than_it_may(registry: CollectorRegistry) -> None:
    assert max(samples for _, samples in slices(registry)) == SLICE_SAMPLES


async def test_no_series_tells_when_it_was_made() -> None:
    metrics = Metrics()
    metrics.calls.labels("a->b", "ok", "foreground").inc()
    assert b"_created" not in await exposition(metrics.registry)
