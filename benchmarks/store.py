"""What the telemetry store takes, what it costs and how fast it answers: `python -m benchmarks.store [--spans N] [--batch N]`.

Starts the store as its own process on one processor and a fresh file, posts spans shaped like FeastFast's orders over loopback
HTTP, as protobuf and with four connections, and then asks for traces. Everything it sends is made before the clock starts; a span
counts as taken when it is committed. It prints each figure with what is wanted, and exits with 1 when one is missed. The limits
are those of a million spans (`--spans 1000000`).
"""

import argparse
import http.client
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from benchmarks._figure import met_word
from benchmarks._log_load import log_load
from benchmarks._span_load import CALLERS, RARE_EVERY, SERVICES, T0_US, TRACES_A_SECOND, SpanLoad, span_load
from benchmarks._store_process import running_store

_CONNECTIONS: Final = 4
_QUERIES: Final = 100
_US_PER_S: Final = 1_000_000
MIN_SPANS_A_SECOND: Final = 40_000
MAX_BYTES_A_SPAN: Final = 150
MAX_TRACE_MS: Final = 5.0
MAX_SEARCH_MS: Final = 50.0
MAX_TAG_MS: Final = 500.0


@dataclass
class Figures:
    """Prints figures as they are measured, and remembers which were missed."""

    missed: list[str] = field(default_factory=list)

    def note(self, name: str, text: str, *, wanted: str = "", met: bool = True) -> None:
        """One figure; `wanted` says what it should be, empty for one that is only reported."""
        verdict = f"   wanted {wanted}: {met_word(met)}" if wanted else ""
        print(f"{name:36}{text}{verdict}", flush=True)
        if not met:
            self.missed.append(name)

    def latency(self, name: str, times_ms: Sequence[float], found: float, limit_ms: float) -> None:
        """How long a question took, at the median and at p99, which has the limit."""
        p99 = statistics.quantiles(times_ms, n=100)[98]
        text = f"{statistics.median(times_ms):9.2f} ms p50 {p99:9.2f} ms p99 {found:8.1f} found"
        self.note(name, text, wanted=f"p99 <= {limit_ms:g} ms", met=p99 <= limit_ms)


def main() -> int:
    """Runs the benchmark and prints its figures; 1 when one is missed."""
    arguments = _arguments()
    rng, figures = random.Random(arguments.seed), Figures()
    load = span_load(arguments.spans, arguments.batch, rng)
    with tempfile.TemporaryDirectory() as folder, running_store(Path(folder)) as store:
        size = sum(map(len, load.bodies)) / load.spans
        print(f"{load.spans:,} spans in batches of {arguments.batch}, {size:.0f} bytes each as OTLP, one processor")
        rate = load.spans / _post(store.otlp_port, load.bodies)
        figures.note(
            "taken and committed through HTTP",
            f"{rate:9,.0f} spans/s",
            wanted=f">= {MIN_SPANS_A_SECOND:,}",
            met=rate >= MIN_SPANS_A_SECOND,
        )
        figures.note("processor time", f"{store.cpu_s / load.spans * 1e6:9.1f} microseconds a span")
        size = store.file_bytes / load.spans
        figures.note("on disk", f"{size:9.0f} bytes a span", wanted=f"<= {MAX_BYTES_A_SPAN}", met=size <= MAX_BYTES_A_SPAN)
        figures.note("memory after the load", f"{store.pss_mib:9.1f} MiB (proportional set size)")
        questions = Questions(store.query_port)
        _ask_all(questions, load, rng, figures)
        if arguments.logs:
            logs = log_load(arguments.logs, arguments.batch, load.trace_ids, rng)
            seconds = _post(store.otlp_port, logs, "/v1/logs")
            figures.note("log records taken and committed", f"{len(logs) * arguments.batch / seconds:9,.0f} records/s")
            _ask_for_logs(questions, load, rng, figures)
        figures.note("memory after the queries", f"{store.pss_mib:9.1f} MiB")
    return int(bool(figures.missed))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--spans", type=int, default=200_000, help="how many spans to send (default %(default)s, at most 2000000)"
    )
    parser.add_argument("--batch", type=int, default=64, help="spans a request, as an exporter batches (default %(default)s)")
    parser.add_argument(
        "--logs", type=int, default=200_000, help="how many log records to send then, 0 for none (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of ids, times and values (default %(default)s)")
    arguments = parser.parse_args()
    if not (1 <= arguments.batch <= arguments.spans <= 2_000_000 and 0 <= arguments.logs <= 2_000_000):
        parser.error("--batch must be at least 1 and at most --spans; --spans and --logs must be at most 2000000")
    return arguments


def _post(port: int, bodies: Sequence[bytes], path: str = "/v1/traces") -> float:
    """Posts all bodies over a few connections and returns the seconds until the last one was acknowledged."""
    failures: list[str] = []

    def send(mine: Sequence[bytes]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for body in mine:
            connection.request("POST", path, body, {"Content-Type": "application/x-protobuf"})
            response = connection.getresponse()
            text = response.read()
            if response.status != http.HTTPStatus.OK:
                failures.append(f"{response.status} {text!r}")

    senders = [threading.Thread(target=send, args=(bodies[number::_CONNECTIONS],)) for number in range(_CONNECTIONS)]
    started_s = time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    seconds = time.perf_counter() - started_s
    if failures:
        sys.exit(f"{len(failures)} requests were refused, the first with {failures[0]}")
    return seconds


class Questions:
    """Asks the query API over one connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)

    def data(self, path: str, **parameters: str | int) -> list[dict[str, object]]:
        """The data of an answer, which must be one."""
        target = f"{path}?{urlencode(parameters)}"
        self._connection.request("GET", target)
        response = self._connection.getresponse()
        document = json.loads(response.read())
        if response.status != http.HTTPStatus.OK:
            sys.exit(f"GET {target} answered {response.status}: {document['errors']}")
        return list(document["data"])

    def timed(self, ask: Callable[[], int], queries: int = _QUERIES) -> tuple[list[float], float]:
        """How long a question takes, in milliseconds, and how much it finds on average."""
        times_ms, found = [], 0
        for _ in range(queries):
            started_s = time.perf_counter()
            found += ask()
            times_ms.append((time.perf_counter() - started_s) * 1_000)
        return times_ms, found / queries


def _ask_all(questions: Questions, load: SpanLoad, rng: random.Random, figures: Figures) -> None:
    last_us = T0_US + len(load.trace_ids) * _US_PER_S // TRACES_A_SECOND

    def search(**parameters: str | int) -> int:
        return len(questions.data("/api/traces", limit=20, **parameters))

    def in_operation(least: str) -> int:
        service, start_us = rng.choice(SERVICES), rng.randrange(T0_US, last_us)
        within = {"start": start_us, "end": start_us + (last_us - T0_US) // 4}
        return search(service=service, operation=f"GET /v1/{service}/{{id}}", minDuration=least, **within)

    def with_tag(key: str, value: str) -> int:
        return search(tags=json.dumps({key: value}))

    def trace() -> int:
        return len(questions.data(f"/api/traces/{rng.choice(load.trace_ids).hex()}"))

    def dependencies() -> int:
        return len(questions.data("/api/dependencies", endTs=last_us // 1_000, lookback=86_400_000))

    campaigns = range(0, len(load.trace_ids), RARE_EVERY)
    figures.latency("trace by id", *questions.timed(trace), MAX_TRACE_MS)
    figures.latency("service, operation, time, duration", *questions.timed(lambda: in_operation("50ms")), MAX_SEARCH_MS)
    figures.latency("the same, and nothing is that slow", *questions.timed(lambda: in_operation("10s")), MAX_SEARCH_MS)
    figures.latency("the latest of a service", *questions.timed(lambda: search(service=rng.choice(SERVICES))), MAX_SEARCH_MS)
    figures.latency(
        "a tag of one trace", *questions.timed(lambda: with_tag("order.campaign", f"c{rng.choice(campaigns)}")), MAX_TAG_MS
    )
    figures.latency(
        "a tag of a few spans",
        *questions.timed(lambda: with_tag("url.path", f"/v1/orders/{rng.randrange(100_000)}")),
        MAX_TAG_MS,
    )
    figures.latency(
        "a tag of every third span", *questions.timed(lambda: with_tag("http.response.status_code", "200")), MAX_TAG_MS
    )
    figures.latency("a tag of no span", *questions.timed(lambda: with_tag("user.id", f"nobody-{rng.random()}")), MAX_TAG_MS)
    figures.latency("dependencies", *questions.timed(dependencies), MAX_SEARCH_MS)
    calls = {
        (each["parent"], each["child"]): each["callCount"] for each in questions.data("/api/dependencies", endTs=last_us // 1_000)
    }
    expected = {(caller, callee): len(load.trace_ids) for callee, caller in CALLERS.items()}
    figures.note("calls counted", f"{sum(map(int, map(str, calls.values()))):9,}", wanted="one a call", met=calls == expected)


def _ask_for_logs(questions: Questions, load: SpanLoad, rng: random.Random, figures: Figures) -> None:
    def of_trace() -> int:
        # The last traces may have none yet: records are sent for as many as there are enough for.
        return len(questions.data("/api/logs", trace_id=rng.choice(load.trace_ids[: len(load.trace_ids) // 2]).hex(), limit=500))

    def latest() -> int:
        return len(questions.data("/api/logs", service=rng.choice(SERVICES), level="info", limit=100))

    figures.latency("logs of a trace", *questions.timed(of_trace), MAX_SEARCH_MS)
    figures.latency("the latest logs of a service", *questions.timed(latest), MAX_SEARCH_MS)


if __name__ == "__main__":
    sys.exit(main())
