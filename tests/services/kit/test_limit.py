"""The limit in front of a service: what there is no room for is answered 429 at once, the least urgent first."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observability import names
from observability.metrics import Metrics
from services.kit.errors import TooManyRequestsError
from services.kit.limits import LimitMiddleware
from services.kit.priorities import PriorityMiddleware
from services.kit.resilience.limit import Admission, Limiter
from services.kit.resilience.shed import room_for
from services.policy import Limit
from tests.services.asgi import ask
from tests.services.kit.conftest import HandClock
from tests.services.kit.virtual import settle

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from tests.services.kit.conftest import Watched

TIGHT = Limit(initial_limit=4, min_limit=4, max_limit=4)


class Slow:
    """An application that answers when it is told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.go_on = asyncio.Event()
        self.status = 200

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun += 1
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def limiter(metrics: Metrics) -> Limiter:
    return Limiter(TIGHT, metrics, HandClock())


async def crowd(app: LimitMiddleware | PriorityMiddleware, count: int, path: str = "/internal/work") -> list[asyncio.Task[int]]:
    async def one() -> int:
        return (await ask(app, path)).status

    tasks = [asyncio.create_task(one()) for _ in range(count)]
    await settle()
    return tasks


async def test_what_has_no_room_is_answered_at_once_and_begins_nothing(limiter: Limiter, metrics: Metrics) -> None:
    slow = Slow()
    app = LimitMiddleware(slow, limiter)
    waiting = await crowd(app, 4)
    refused = await ask(app, "/internal/work")
    assert (refused.status, refused.headers["retry-after"], slow.begun) == (429, "1", 4)
    assert refused.headers["content-type"] == "application/problem+json"
    assert "the limit is 4" in refused.json["detail"]
    slow.go_on.set()
    assert await asyncio.gather(*waiting) == [200] * 4
    assert (await ask(app, "/internal/work")).status == 200
    assert metrics.registry.get_sample_value(names.RESILIENCE_SHED, {names.LABEL_URGENCY: "3"}) == 1


async def test_the_least_urgent_is_shed_while_there_is_room_for_the_most_urgent(limiter: Limiter) -> None:
    slow = Slow()
    app = PriorityMiddleware(LimitMiddleware(slow, limiter))
    waiting = await crowd(app, 2)
    assert (await ask(app, "/internal/work", {"Priority": "u=7"})).status == 429
    slow.go_on.set()
    assert (await ask(app, "/internal/work", {"Priority": "u=0"})).status == 200
    await asyncio.gather(*waiting)


@pytest.mark.parametrize("path", ["/health/live", "/metrics", "/__chaos__", "/__policy__", "/internal/audit/ledger"])
async def test_whoever_observes_heals_or_checks_is_never_shed(limiter: Limiter, path: str) -> None:
    slow = Slow()
    app = LimitMiddleware(slow, limiter)
    waiting = await crowd(app, 4)
    more = await crowd(app, 20, path)
    assert slow.begun == 24
    slow.go_on.set()
    assert set(await asyncio.gather(*waiting, *more)) == {200}


async def test_whoever_is_cancelled_or_fails_leaves_its_place(limiter: Limiter, metrics: Metrics) -> None:
    app = LimitMiddleware(Slow(), limiter)
    for task in await crowd(app, 4):
        task.cancel()
    await settle()
    assert metrics.registry.get_sample_value(names.RESILIENCE_LIMIT_IN_FLIGHT) == 0

    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await LimitMiddleware(broken, limiter)({"type": "http", "path": "/internal/work"}, None, None)  # type: ignore[arg-type]
    assert metrics.registry.get_sample_value(names.RESILIENCE_LIMIT_IN_FLIGHT) == 0


async def test_without_a_limit_everything_is_let_in_and_none_is_shown(metrics: Metrics) -> None:
    slow = Slow()
    waiting = await crowd(LimitMiddleware(slow, Limiter(None, metrics)), 200)
    slow.go_on.set()
    assert await asyncio.gather(*waiting) == [200] * 200
    assert metrics.registry.get_sample_value(names.RESILIENCE_LIMIT) == float("inf")


async def test_a_limit_is_put_in_force_changed_and_lifted_while_requests_are_under_way(metrics: Metrics) -> None:
    limiter, slow = Limiter(None, metrics, HandClock()), Slow()
    app = LimitMiddleware(slow, limiter)
    before = await crowd(app, 10)
    limiter.adopt(TIGHT)
    under = await crowd(app, 4)
    assert (await ask(app, "/internal/work")).status == 429
    limiter.adopt(None)
    assert metrics.registry.get_sample_value(names.RESILIENCE_LIMIT_IN_FLIGHT) == 4
    after = await crowd(app, 10)
    limiter.adopt(TIGHT.model_copy(update={"initial_limit": 5, "max_limit": 5}))
    assert (limiter.policy, metrics.registry.get_sample_value(names.RESILIENCE_LIMIT)) != (TIGHT, 4)
    slow.go_on.set()
    assert set(await asyncio.gather(*before, *under, *after)) == {200}
    assert metrics.registry.get_sample_value(names.RESILIENCE_LIMIT_IN_FLIGHT) == 0


def test_adopting_what_is_in_force_forgets_nothing(metrics: Metrics) -> None:
    clock = HandClock()
    limiter = Limiter(Limit(), metrics, clock)
    for _ in range(40):
        clock.advance_ms(100)
        _ended_after(limiter, clock, 20)
    learnt = metrics.registry.get_sample_value(names.RESILIENCE_LIMIT)
    limiter.adopt(Limit())
    assert metrics.registry.get_sample_value(names.RESILIENCE_LIMIT) == learnt != Limit().initial_limit


@given(steps=st.lists(st.tuples(st.integers(0, 7), st.booleans(), st.booleans()), max_size=100))
def test_no_more_are_under_way_than_there_is_room_for(steps: list[tuple[int, bool, bool]]) -> None:
    limiter, under_way = Limiter(TIGHT, Metrics(), HandClock()), list[Admission]()
    for urgency, ends, done in steps:
        if ends and under_way:
            limiter.end(under_way.pop(0), done=done)
            continue
        room = room_for(urgency, TIGHT.max_limit)
        try:
            admission = limiter.admit(urgency)
        except TooManyRequestsError:
            assert len(under_way) >= room
        else:
            assert admission
            under_way.append(admission)
            assert len(under_way) <= room


async def test_a_shed_request_is_told_in_its_span(limiter: Limiter, watched: Watched) -> None:
    app = LimitMiddleware(Slow(), limiter)
    waiting = await crowd(app, 4)
    with watched.telemetry.tracer.start_as_current_span("request"):
        await ask(app, "/internal/work")
    (event,) = watched.spans[0].events
    assert (event.name, (event.attributes or {})[names.ATTR_URGENCY]) == (names.EVENT_SHED, 3)
    for task in waiting:
        task.cancel()


def _ended_after(limiter: Limiter, clock: HandClock, count: int) -> None:
    admissions = [limiter.admit(0) for _ in range(count)]
    clock.advance_ms(10)
    for admission in admissions:
        assert admission
        limiter.end(admission, done=True)


def test_what_may_be_shed_is_counted_from_zero_and_without_a_limit_there_is_nothing_to_shed() -> None:
    limited, unlimited = Metrics(), Metrics()
    Limiter(TIGHT, limited)
    Limiter(None, unlimited)
    shed = [limited.registry.get_sample_value(names.RESILIENCE_SHED, {names.LABEL_URGENCY: str(urgency)}) for urgency in range(9)]
    assert shed == [0.0] * 8 + [None]
    assert unlimited.registry.get_sample_value(names.RESILIENCE_SHED, {names.LABEL_URGENCY: "3"}) is None
