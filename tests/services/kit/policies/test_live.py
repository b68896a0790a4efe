"""Policies of a process that serves: changed over its endpoint, adopted at once, ended by a timer or by the next request."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from chaos.inject.asgi import Receive, Scope, Send, answer
from chaos.inject.messages import TOKEN_HEADER
from services.kit.policies.leases import PolicyLeases
from services.kit.policies.live import LivePolicies
from services.kit.policies.messages import PATH
from services.kit.policies.middleware import PolicyMiddleware
from services.policy import EdgePolicy, Limit
from services.policy.change import Policies

if TYPE_CHECKING:
    from tests.services.asgi import Answer
    from tests.services.kit.conftest import Tools

GOOD = "secret"
BANK = "shop->bank"
DECLARED = Policies("shop", {BANK: EdgePolicy.model_validate({"deadline": "2s", "retry": {}})}, Limit())
CHANGE = {"kind": "set", "place": BANK, "values": {"retry.max_attempts": "5"}}


class Bench:
    """A process in a loop whose time is computed, and what it has adopted."""

    def __init__(self, tools: "Tools", token: str | None = GOOD) -> None:
        self._tools = tools
        self.now_s: Callable[[], float] = lambda: asyncio.get_running_loop().time()  # Tests put another clock here.
        self.adopted: list[int] = []
        self.counts: list[int] = []
        self.live = LivePolicies(PolicyLeases(DECLARED, DECLARED, self._clock), self.counts.append)
        self.app = PolicyMiddleware(self._application, self.live, token)

    def _clock(self) -> float:
        return self.now_s()

    async def _application(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, 200, str(self.attempts).encode(), b"text/plain")

    @property
    def attempts(self) -> int:
        retry = self.live.in_force.edges[BANK].retry
        return retry.max_attempts if retry else 1

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        async def within() -> None:
            with self.live.adopted_by(lambda policies: self.adopted.append(self.attempts)):
                await work()

        self._tools.run_virtually(within())

    async def ask(
        self, method: str = "GET", below: str = "", body: object = None, path: str = PATH, token: str = GOOD
    ) -> "Answer":
        sent = b"" if body is None else json.dumps(body).encode()
        return await self._tools.ask(self.app, path + below, {TOKEN_HEADER: token}, method, body=sent)

    async def make(self, lease_ms: float = 1_000, change: object = CHANGE, id_: str = "c1") -> "Answer":
        return await self.ask("POST", body={"id": id_, "change": change, "lease_ms": lease_ms, "source": "a test"})


@pytest.fixture
def bench(tools: "Tools") -> Bench:
    return Bench(tools)


def test_a_change_is_adopted_at_once_and_its_end_by_a_timer(bench: Bench) -> None:
    async def work() -> None:
        assert (await bench.make(lease_ms=1_000)).status == 201
        assert bench.adopted == [5]
        await asyncio.sleep(0.999)
        assert bench.adopted == [5]
        await asyncio.sleep(0.002)
        assert (bench.adopted, bench.counts) == ([5, 2], [1, 0])

    bench.run(work)


def test_a_timer_that_fires_early_waits_for_the_rest(bench: Bench) -> None:
    async def work() -> None:
        await bench.make(lease_ms=1_000)
        started_s = asyncio.get_running_loop().time()
        bench.now_s = lambda: started_s + (asyncio.get_running_loop().time() - started_s) * 0.5  # Half as fast as the timers.
        await asyncio.sleep(1.5)
        assert bench.adopted == [5]
        await asyncio.sleep(0.6)
        assert bench.adopted == [5, 2]

    bench.run(work)


def test_after_a_pause_the_first_request_is_served_without_what_was_over_though_no_timer_ran(bench: Bench) -> None:
    async def work() -> None:
        await bench.make(lease_ms=1_000)
        assert (await bench.ask(path="/anything")).body == b"5"
        now_s = bench.now_s()
        bench.now_s = lambda: now_s + 2
        assert (await bench.ask(path="/anything")).body == b"2"
        assert (bench.adopted, bench.counts) == ([5, 2], [1, 0])

    bench.run(work)


def test_each_of_several_changes_ends_in_its_time(bench: Bench) -> None:
    async def work() -> None:
        await bench.make(lease_ms=1_000)
        await bench.make(lease_ms=3_000, change={**CHANGE, "values": {"retry.max_attempts": "3"}}, id_="c2")
        await bench.make(lease_ms=2_000, change={"kind": "profile", "profile": "none"}, id_="c3")
        await asyncio.sleep(5)
        assert (bench.adopted, bench.counts) == ([5, 3, 1, 3, 2], [1, 2, 3, 2, 1, 0])

    bench.run(work)


def test_what_is_in_force_is_told_with_the_changes_it_comes_from(bench: Bench) -> None:
    async def work() -> None:
        await bench.make(lease_ms=1_000)
        await asyncio.sleep(0.25)
        told = (await bench.ask()).json
        assert (told["service"], told["edges"][BANK]["retry.max_attempts"]) == ("shop", "5")
        assert told["limit"]["limit.max_limit"] == "200"
        (lease,) = told["leases"]
        assert (lease["id"], lease["change"], lease["source"]) == ("c1", CHANGE, "a test")
        assert (lease["age_ms"], lease["remaining_ms"]) == (250, 750)

    bench.run(work)


def test_one_change_or_all_are_ended_on_demand(bench: Bench) -> None:
    async def work() -> None:
        await bench.make()
        await bench.make(change={"kind": "profile", "profile": "none"}, id_="c2")
        await bench.make(change={"kind": "without", "pattern": "limit"}, id_="c3")
        assert (await bench.ask("DELETE", "/c2")).json == {"ended": 1}
        assert bench.attempts == 5
        assert (await bench.ask("DELETE", "/c2")).json == {"ended": 0}
        assert (await bench.ask("DELETE")).json == {"ended": 2}
        assert bench.live.in_force == DECLARED

    bench.run(work)


@pytest.mark.parametrize(
    ("body", "status", "complaint"),
    [
        ({"id": "c"}, 422, "change: Field required; lease_ms: Field required"),
        ({"id": "c", "change": CHANGE, "lease_ms": 3_600_001}, 422, "lease_ms: Input should be less than or equal to 3600000"),
        ({"id": "c", "change": {"kind": "sit"}, "lease_ms": 1}, 422, "change: Input tag 'sit' found using 'kind' does not match"),
        (
            {"id": "c", "change": {**CHANGE, "values": {"retry.max_attempts": "9"}}, "lease_ms": 1},
            422,
            "shop->bank: retry.max_attempts: Input should be less than or equal to 5",
        ),
        (
            {"id": "c", "change": {"kind": "without", "pattern": "retry", "place": "shop"}, "lease_ms": 1},
            422,
            "shop: retry protects an edge: name an edge (caller->callee), not a service",
        ),
        (
            {"id": "c", "change": {"kind": "without", "pattern": "limit", "place": BANK}, "lease_ms": 1},
            422,
            "shop->bank: limit protects a service from all of its callers: name a service, not an edge",
        ),
        (
            {"id": "c", "change": {**CHANGE, "place": "a->b"}, "lease_ms": 1},
            422,
            "'a->b' is no place here; allowed: shop->bank, shop",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence_and_nothing_changes(
    bench: Bench, body: object, status: int, complaint: str
) -> None:
    async def work() -> None:
        refused = await bench.ask("POST", body=body)
        assert (refused.status, refused.headers["content-type"]) == (status, "application/problem+json")
        assert refused.json["detail"].startswith(complaint)
        assert (bench.adopted, bench.counts) == ([], [])

    bench.run(work)


def test_an_id_in_force_is_a_conflict(bench: Bench) -> None:
    async def work() -> None:
        await bench.make()
        assert (await bench.make()).status == 409

    bench.run(work)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_without_the_token_there_is_nothing_here(tools: "Tools", method: str) -> None:
    for bench, given in (
        (Bench(tools), "wrong"),
        (Bench(tools), ""),
        (Bench(tools, token=None), ""),
        (Bench(tools, token=""), ""),
    ):

        async def work(bench: Bench = bench, given: str = given) -> None:
            told = await bench.ask(method, body={"id": "c", "change": CHANGE, "lease_ms": 1_000}, token=given)
            assert (told.status, told.body) == (404, b"Not Found")
            assert bench.counts == []

        bench.run(work)


@pytest.mark.parametrize(("method", "below"), [("PUT", ""), ("GET", "/c1"), ("DELETE", "/")])
def test_what_the_endpoint_does_not_know_is_not_there(bench: Bench, method: str, below: str) -> None:
    async def work() -> None:
        await bench.make()
        assert (await bench.ask(method, below)).status == 404
        assert bench.counts == [1]

    bench.run(work)


def test_a_large_body_is_refused_unread(bench: Bench) -> None:
    async def work() -> None:
        assert (await bench.ask("POST", body={"id": "x" * 70_000})).status == 413

    bench.run(work)


def test_the_end_of_the_process_leaves_no_timer(bench: Bench, tools: "Tools") -> None:
    async def work() -> None:
        with bench.live.adopted_by(lambda policies: bench.adopted.append(bench.attempts)):
            await bench.make(lease_ms=1_000)
        await asyncio.sleep(2)
        assert bench.adopted == [5]

    tools.run_virtually(work())
