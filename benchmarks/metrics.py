"""What metrics cost: an observation, a request of a bare endpoint, a look at the event loop, and a scrape of each replica.

    python -m benchmarks.metrics

Observations in this process; the endpoint in processes of its own whose connections are kept busy, in rounds that alternate with
and without the middleware. Replicas of a system of its own, after some of the demo's load: how many series each has, and what
a scrape of them is in bytes and, read many times in a row at rest, in processor time. Figures: the middleware takes at most 5 %
of a bare endpoint's throughput, and one scrape a second at most 1 % of a processor for any replica.
"""

import asyncio
import sys
import tempfile
import time
import timeit
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry, Histogram

from benchmarks._closed_loop import keep_busy
from benchmarks._demo_load import demo, load_of
from benchmarks._figure import met_word
from benchmarks._locust import play
from benchmarks._metrics_app import PATH
from benchmarks._processors import process_s
from benchmarks._stage import await_listener, begin, ended
from observability.loop_lag import INTERVAL_S, watched_loop
from observability.metrics import BUCKETS_S, Metrics, current_exemplar
from testbed.control import SystemStatus
from testbed.launch import LaunchOptions, launch, stop
from testbed.ports import unused_ports

ROUNDS: Final = 8
ROUND_S: Final = 1.5
CONNECTIONS: Final = 16
CALLS: Final = 20_000
SCRAPES: Final = 100
LOAD_S: Final = 15.0
FIGURE_REQUEST: Final = 0.05
FIGURE_SCRAPE_S: Final = 0.010


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
    share = asyncio.run(requests())
    asyncio.run(probe())
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        system = launch(LaunchOptions(state=state, free_ports=True))
        try:
            play(system.addresses["gateway"], Path(folder) / "record", load_of(demo(), LOAD_S), lambda _pid, _second: None)
            slowest_s = scrapes(system)
        finally:
            stop(state)
    print(f"figure: middleware <= {FIGURE_REQUEST:.0%} of a bare endpoint: {met_word(share <= FIGURE_REQUEST)}")
    print(
        f"figure: a scrape <= {FIGURE_SCRAPE_S * 1_000:g} ms of any replica's processor: {met_word(slowest_s <= FIGURE_SCRAPE_S)}"
    )
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


async def requests() -> float:
    """A bare endpoint, served with and without the middleware. Returns the share of its processor's time that this takes."""
    ports = dict(zip(("bare", "measured"), unused_ports(2), strict=True))
    request = f"GET {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()
    used_s, answered = dict.fromkeys(ports, 0.0), dict.fromkeys(ports, 0)
    servers = {name: begin("benchmarks._metrics_app", name, str(port), processor=0) for name, port in ports.items()}
    with ended(list(servers.values())):
        for number in range(1 + ROUNDS):
            for name, port in ports.items() if number % 2 else reversed(ports.items()):
                await_listener(port)
                before_s = process_s(servers[name].pid)
                tally = await keep_busy(port, request, CONNECTIONS, ROUND_S)
                if number:
                    used_s[name] += process_s(servers[name].pid) - before_s
                    answered[name] += len(tally.latencies_s)
    bare_us, measured_us = (used_s[name] / answered[name] * 1e6 for name in ports)
    share = 1 - bare_us / measured_us
    print(f"a request of a bare endpoint: {bare_us:.1f} us of a processor, measured {measured_us:.1f} us: {share:.1%}")
    return share


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


if __name__ == "__main__":
    sys.exit(main())
