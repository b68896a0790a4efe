"""What metrics cost: an observation, a request of a bare endpoint, a look at the event loop, and a scrape of each replica.

    python -m benchmarks.metrics

The first three in this process, best of some rounds that alternate; an endpoint is called without a server, so that the share of
a served request is smaller. The last of a system of its own under the demo's load: how many series each replica has, and what a
scrape of them is in bytes and, read many times in a row at rest, in processor time. Figures: the middleware takes at most 5 % of
a bare endpoint's throughput, and one scrape a second at most 1 % of a processor for any replica.
"""

import asyncio
import sys
import tempfile
import time
import timeit
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry, Histogram

from benchmarks._locust import play
from benchmarks._processors import process_s
from observability.loop_lag import INTERVAL_S, watched_loop
from observability.metrics import BUCKETS_S, Metrics, RequestMetrics, current_exemplar
from testbed.control import SystemStatus
from testbed.launch import LaunchOptions, launch, stop

ROUNDS: Final = 15
CALLS: Final = 20_000
REQUESTS: Final = 1_000
SCRAPES: Final = 100
FIGURE_REQUEST: Final = 0.05
FIGURE_SCRAPE_S: Final = 0.010
_SCOPE: Final[dict[str, Any]] = {
    "type": "http",
    "method": "GET",
    "path": "/dishes/71",
    "query_string": b"",
    "headers": [(b"host", b"127.0.0.1")],
    "root_path": "",
    "scheme": "http",
    "server": ("127.0.0.1", 80),
    "http_version": "1.1",
}


@dataclass(frozen=True)
class Scraped:
    """A replica's metrics."""

    series: int
    size_bytes: int
    processor_s: float
    """Of one scrape."""


def main() -> int:
    """Prints the figures; 1 when one is missed."""
    observations()
    share = asyncio.run(request())
    asyncio.run(probe())
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        system = launch(LaunchOptions(state=state, free_ports=True))
        try:
            arguments = ["--users", "74", "--run-seconds", "15", "--seed", "7"]
            play(system.addresses["gateway"], Path(folder) / "record", arguments, lambda _pid, _second: None)
            slowest_s = scrapes(system)
        finally:
            stop(state)
    print(f"figure: middleware <= {FIGURE_REQUEST:.0%} of a bare endpoint: {_met(share <= FIGURE_REQUEST)}")
    print(f"figure: a scrape <= {FIGURE_SCRAPE_S * 1_000:g} ms of any replica's processor: {_met(slowest_s <= FIGURE_SCRAPE_S)}")
    return int(share > FIGURE_REQUEST or slowest_s > FIGURE_SCRAPE_S)


def observations() -> None:
    """One observation with three labels and an exemplar, ours and the library's."""
    library = Histogram("library_seconds", ".", ["method", "route", "status"], buckets=BUCKETS_S, registry=CollectorRegistry())
    ours = Metrics().server_duration.labels("GET", "/dishes/{id}", "200")
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("benchmark")

    def observe() -> None:
        began_s = time.perf_counter()
        ours.observe(began_s, time.perf_counter())

    def observe_with_library() -> None:
        began_s = time.perf_counter()
        child = library.labels("GET", "/dishes/{id}", str(200))
        child.observe(time.perf_counter() - began_s, exemplar=current_exemplar())

    with tracer.start_as_current_span("request"):
        taken_us = [
            min(timeit.repeat(each, timer=time.thread_time, number=CALLS, repeat=ROUNDS)) / CALLS * 1e6
            for each in (observe_with_library, observe)
        ]
    print(f"an observation with labels and exemplar: prometheus_client {taken_us[0]:.2f} us, ours {taken_us[1]:.2f} us")


async def request() -> float:
    """A request of a bare endpoint, with and without the middleware. Returns the share of throughput that it takes."""
    bare = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})

    @bare.get("/dishes/{dish_id}")
    async def dish(dish_id: int) -> dict[str, int | str]:
        return {"dish_id": dish_id, "name": "Pho", "price_cents": 1_050}

    measured = RequestMetrics(bare, Metrics())
    bare_s, measured_s = float("inf"), float("inf")
    for _ in range(ROUNDS):
        bare_s = min(bare_s, await _ask(bare))
        measured_s = min(measured_s, await _ask(measured))
    share = 1 - bare_s / measured_s
    print(
        f"a request of a bare endpoint, without a server: {bare_s * 1e6:.1f} us, measured {measured_s * 1e6:.1f} us: {share:.1%}"
    )
    return share


async def _ask(app: Callable[..., Any]) -> float:
    """Seconds of the processor a request: whoever else wants it does not count."""

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: object) -> None:
        return None

    began_s = time.thread_time()
    for _ in range(REQUESTS):
        await app(dict(_SCOPE), receive, send)
    return (time.thread_time() - began_s) / REQUESTS


async def probe() -> None:
    """What the looks at the event loop take of a processor."""
    loop, metrics, for_s = asyncio.get_running_loop(), Metrics(), 5.0
    before_s = time.process_time()
    await asyncio.sleep(for_s)
    idle_s = time.process_time() - before_s
    with watched_loop(loop, metrics.loop_lag.observe):
        before_s = time.process_time()
        await asyncio.sleep(for_s)
        watched_s = time.process_time() - before_s
    looks = for_s / INTERVAL_S
    print(f"a look at the event loop: {(watched_s - idle_s) / looks * 1e6:.0f} us, {1 / INTERVAL_S:.0f} times a second")


def scrapes(system: SystemStatus) -> float:
    """One line a replica. Returns the processor time of the dearest scrape."""
    found: dict[str, Scraped] = {}
    for instance in system.instances:
        if not instance.name.startswith("telemetry"):
            found[instance.name] = _scraped(f"{instance.base_url}/metrics", instance.pid)
    for name, each in found.items():
        taken = f"{each.size_bytes / 1_000:.0f} kB, {each.processor_s * 1_000:.1f} ms of processor time"
        print(f"  {name}: {each.series} series, {taken}")
    series, size_bytes = sum(each.series for each in found.values()), sum(each.size_bytes for each in found.values())
    processor_s = sum(each.processor_s for each in found.values())
    print(f"all {len(found)}, once a second: {series} series, {size_bytes / 1_000:.0f} kB, {processor_s:.1%} of a processor")
    return max(each.processor_s for each in found.values())


def _scraped(url: str, pid: int) -> Scraped:
    before_s = process_s(pid)
    for _ in range(SCRAPES):
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - a replica of the system that was started here.
            text: bytes = answer.read()
    lines = [line for line in text.splitlines() if not line.startswith(b"#")]
    return Scraped(len(lines), len(text), (process_s(pid) - before_s) / SCRAPES)


def _met(met: bool) -> str:  # noqa: FBT001 - reads like the word it becomes.
    return "met" if met else "MISSED"


if __name__ == "__main__":
    sys.exit(main())
