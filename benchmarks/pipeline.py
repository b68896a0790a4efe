"""What protection costs: CPU time of a successful call through Caller over that of the bare transport, in one interleaved run.

The transport is a fake that answers at once, so that what is left is ours. "The pipeline" is all that Caller.call does for a GET
with every pattern declared: fallback (keeping the answer), deadline (its timer and its two headers), throttle, bulkhead, retry,
budget, hedge (its timer), breaker, power of two choices with outlier ejection, attempt timeout, and finding the replicas. Spans,
trace headers and metrics are telemetry: they have a row of their own and are left out of all others. The loop is uvloop, which
services run on; what it takes to sweep cancelled timers is counted.

pybreaker and stamina stand around the same transport as their documentation shows, and do no more than those two patterns:
stamina without its timeout, pybreaker by `with breaker.calling()`, the one form in which it sees what becomes of a coroutine.
Figures: the whole declared pipeline <= 25 microseconds a call, the breaker alone <= 3.
"""

import asyncio
import gc
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Self

import pybreaker
import stamina
import uvloop
from opentelemetry.sdk.trace import TracerProvider

from benchmarks._figure import met_word
from observability.metrics import Metrics
from observability.telemetry import Telemetry
from services.kit.attempt_watch import AttemptWatch
from services.kit.caller import Caller
from services.kit.errors import CallError
from services.kit.message import Outgoing, Reply
from services.policy import EdgePolicy, Pattern, Timeout
from services.registry import Instance, InstanceState

ROUNDS: Final = 150
CALLS: Final = 200
WHOLE_US: Final = 25.0
BREAKER_US: Final = 3.0
CONSECUTIVE: Final = {"fail_max": 5, "reset_timeout": "5s"}
DECLARED: Final[dict[str, object]] = {
    "deadline": "3s",
    "throttle": {"k": 2, "window": "10s"},
    "bulkhead": {"max_concurrent": 60, "max_waiting": 20, "max_wait": "100ms"},
    "retry": {"max_attempts": 2},
    "budget": {"max_tokens": 10, "token_ratio": 0.1},
    "hedge": {"delay": "300ms"},
    "breaker": CONSECUTIVE,
    "balancer": "power_of_two",
    "outlier_ejection": {"slow_call_duration": "1500ms"},
    "timeout": {"attempt": "2500ms"},
    "fallback": {"kind": "cached", "ttl": "5m"},
}
NEEDS: Final = {"budget": ("retry",)}
"""Patterns that are nothing without another."""
GET: Final = Outgoing("GET", "/internal/orders/7", "/internal/orders/{order_id}")
REPLICAS: Final = tuple(
    Instance(service="orders", replica=number, host="127.0.0.1", port=9_000 + number, pid=number, state=InstanceState.UP)
    for number in (1, 2)
)

Call = Callable[[], Awaitable[object]]


class Immediate:
    """A resolver and a transport whose answers are there already."""

    def __init__(self) -> None:
        self._reply = Reply(200, b'{"id": 7}')

    def resolve(self, service: str) -> tuple[Instance, ...]:  # noqa: ARG002, D102 - the protocol's.
        return REPLICAS

    async def send(  # noqa: D102 - the protocol's.
        self,
        edge: str,  # noqa: ARG002 - as above.
        instance: Instance,  # noqa: ARG002
        outgoing: Outgoing,  # noqa: ARG002
        headers: Mapping[str, str],  # noqa: ARG002
        limits: Timeout | None,  # noqa: ARG002
    ) -> Reply:
        return self._reply


class Deaf:
    """An instrument that is called and keeps nothing."""

    def labels(self, *_values: str) -> "Deaf":
        """Itself."""
        return self

    def inc(self) -> None:
        """Nothing."""


class Unwatched(AttemptWatch):
    """A watch that sees nothing."""

    def begin(self, *_attempt: object) -> "Unwatched":  # type: ignore[override]  # It is its own attempt.
        """Itself."""
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def headers(self) -> dict[str, str]:
        """No trace to carry on."""
        return {}

    def answered(self, _status: int) -> None:
        """Nothing."""


def through_caller(world: Immediate, policy: EdgePolicy, *, telemetry: bool = False) -> Call:
    """A call through all that we have."""
    metrics = Metrics()
    if not telemetry:
        metrics.calls = Deaf()  # type: ignore[assignment]  # As much of a counter as is used.
    watched = Telemetry(TracerProvider(shutdown_on_exit=False), metrics, None)
    caller = Caller("gateway", {"orders": policy}, world, world, watched, random.Random(7))
    if not telemetry:
        caller._watch = Unwatched(watched.tracer, metrics, "foreground")  # noqa: SLF001 - nobody else goes without.

    async def call() -> object:
        return await caller.call("orders", GET, _as_it_is)

    return call


def with_libraries(world: Immediate) -> Call:
    """The same call behind pybreaker and stamina."""
    breaker = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=5)

    @stamina.retry(on=CallError, attempts=2, wait_initial=0.02, wait_max=0.2, timeout=None)
    async def call() -> object:
        with breaker.calling():
            return await world.send("gateway->orders", REPLICAS[0], GET, {}, None)

    return call


def with_pybreaker(world: Immediate) -> Call:
    """The same call behind pybreaker alone."""
    breaker = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=5)

    async def call() -> object:
        with breaker.calling():
            return await world.send("gateway->orders", REPLICAS[0], GET, {}, None)

    return call


def bare(world: Immediate) -> Call:
    """The transport alone."""

    async def call() -> object:
        return await world.send("gateway->orders", REPLICAS[0], GET, {}, None)

    return call


def _as_it_is(reply: Reply) -> Reply:
    return reply


def only(*patterns: str) -> EdgePolicy:
    """Of what is declared, these."""
    return EdgePolicy.model_validate({name: DECLARED[name] for name in patterns})


def contenders() -> dict[str, Call]:
    """What is measured, by name."""
    world = Immediate()
    rate = EdgePolicy.model_validate({"breaker": {"kind": "rate"}})
    whole = EdgePolicy.model_validate(DECLARED)
    calls = {
        "bare": bare(world),
        "whole": through_caller(world, whole),
        "telemetry": through_caller(world, whole, telemetry=True),
        "nothing": through_caller(world, EdgePolicy()),
        "libraries": with_libraries(world),
        "pybreaker": with_pybreaker(world),
        "retry and breaker": through_caller(world, only("retry", "breaker")),
        "rate breaker": through_caller(world, rate),
    }
    for name in DECLARED:
        calls[f"only {name}"] = through_caller(world, only(name, *NEEDS.get(name, ())))
        calls[f"without {name}"] = through_caller(world, whole.without(Pattern(name)))
    return calls


async def measure(calls: dict[str, Call], rounds: int) -> dict[str, float]:
    """Median microseconds of CPU a call. Every round is everybody's turn, in a drawn order: all share one machine's moods."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    order = list(calls)
    rng = random.Random(7)
    for each in calls.values():
        for _ in range(200):
            await each()
    for _ in range(rounds):
        rng.shuffle(order)
        for name in order:
            call = calls[name]
            began_s = time.process_time()
            for _ in range(CALLS):
                await call()
            await asyncio.sleep(0)  # The loop sweeps its cancelled timers, which is part of their price.
            taken[name].append((time.process_time() - began_s) / CALLS * 1e6)

    return {name: statistics.median(each) for name, each in taken.items()}


def report(found: dict[str, float]) -> int:
    """Prints the table; 1 when a figure is missed."""
    floor, nothing = found["bare"], found["nothing"]
    print(f"CPU of a successful call, median of {ROUNDS} rounds of {CALLS} calls, in microseconds")
    print(f"{'pattern':<18}{'alone':>8}{'of the whole':>15}")
    for name in DECLARED:
        print(f"{name:<18}{found[f'only {name}'] - nothing:>8.2f}{found['whole'] - found[f'without {name}']:>15.2f}")
    print(f"{'rate breaker':<18}{found['rate breaker'] - nothing:>8.2f}")
    rows = {
        "the bare transport": floor,
        "Caller with every pattern off, over the bare transport": nothing - floor,
        "the whole declared pipeline, over the bare transport": found["whole"] - floor,
        "spans and metrics on top of it": found["telemetry"] - found["whole"],
        "ours with retry and breaker only, over the bare transport": found["retry and breaker"] - floor,
        "stamina and pybreaker around the bare transport": found["libraries"] - floor,
        "pybreaker alone around the bare transport": found["pybreaker"] - floor,
    }
    for name, value in rows.items():
        print(f"{name:<58}{value:>8.2f}")
    whole, breaker = found["whole"] - floor, found["only breaker"] - nothing
    missed = whole > WHOLE_US or breaker > BREAKER_US
    print(f"figures: whole <= {WHOLE_US:g}, breaker <= {BREAKER_US:g}: {met_word(not missed)}")
    return int(missed)


def main() -> int:
    """Measures and reports."""
    gc.freeze()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return report(runner.run(measure(contenders(), ROUNDS)))


if __name__ == "__main__":
    sys.exit(main())
