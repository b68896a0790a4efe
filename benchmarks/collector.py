"""What a collector that is dead, silent or slow does to requests: nothing, or this exits with 1.

    python -m benchmarks.collector

The endpoint of benchmarks.overhead, on the default path, where a thread of the process exports its spans, and on the lean one,
where they go through an exporter process. Each of them four times: with a collector that is fine, with one that refuses
connections, with one that takes requests and never answers, and with one that takes 500 ms for an answer. 1,000 requests a second
arrive, whatever becomes of them, in rounds of 2 s that alternate between all eight. It takes about a minute and a half.

Exit code 1: a request failed; p99 rose by more than 2 ms over that with a good collector; a server or exporter holds more than
24 MiB more than with it; or spans were neither delivered, nor waiting, nor counted as dropped.
"""

import gc
import http.client
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks._open_loop import offer, prefer_this_process
from benchmarks._overhead_app import PATH
from benchmarks._processors import process_mib
from benchmarks._stage import await_listener, begin, ended
from observability import names
from testbed.ports import unused_ports
from testbed.terminal import console, table

RATE: Final = 1_000.0
ROUND_S: Final = 2.0
ROUNDS: Final = 3
WARM_UP_S: Final = 1.0
MOST_ADDED_MS: Final = 2.0
MOST_ADDED_MIB: Final = 24.0
FINE, DEAD, SILENT, SLOW = "fine", "dead", "silent", "slow"
_REQUEST: Final = f"GET {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: bench/1\r\n\r\n".encode()
_SAMPLE: Final = re.compile(rf'^({names.TELEMETRY_DROPPED}|{names.TELEMETRY_QUEUE}){{signal="traces"}} (\S+)', re.MULTILINE)


@dataclass
class Server:
    """One of the eight."""

    path: str
    collector: str
    port: int
    pids: list[int]
    requests: int = 0
    failed: int = 0
    p99s_ms: list[float] = field(default_factory=list)

    def samples(self) -> dict[str, int]:
        """What it says of its spans: how many wait, how many never arrived."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        finally:
            connection.close()
        return {name: int(float(value)) for name, value in _SAMPLE.findall(text)}


def main() -> int:
    """Prints the table; 1 when something is not as it should be."""
    processors = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder, _running(Path(folder), processors[0], processors[-1]) as servers:
        os.sched_setaffinity(0, {processors[-1]})
        gc.freeze()
        prefer_this_process()
        for number in range(1 + ROUNDS):
            for server in servers if number % 2 else servers[::-1]:
                tally = offer(server.port, _REQUEST, RATE, ROUND_S if number else WARM_UP_S)
                server.requests += len(tally.latencies_s) + tally.failed
                server.failed += tally.failed
                if number:
                    server.p99s_ms.append(tally.quantile_ms(0.99))
                time.sleep(0.2)
        return _report(servers)


def _report(servers: list[Server]) -> int:
    out = console()
    columns = ("p99 ms", "over fine", "MiB", "waiting", "dropped")
    rows = table("path", "collector", *columns, right=columns)
    problems = []
    for server in servers:
        fine = next(each for each in servers if each.path == server.path and each.collector == FINE)
        added_ms = statistics.median(server.p99s_ms) - statistics.median(fine.p99s_ms)
        held, fine_held = ([process_mib(pid) for pid in each.pids] for each in (server, fine))
        samples = server.samples()
        waiting, dropped = (samples.get(name, 0) for name in (names.TELEMETRY_QUEUE, names.TELEMETRY_DROPPED))
        rows.add_row(
            server.path,
            server.collector,
            f"{statistics.median(server.p99s_ms):.2f} ({min(server.p99s_ms):.2f} to {max(server.p99s_ms):.2f})",
            f"{added_ms:+.2f}",
            " + ".join(f"{each:.0f}" for each in held),
            str(waiting),
            f"{dropped} of {server.requests}",
        )
        is_large = max(ours - its for ours, its in zip(held, fine_held, strict=True)) > MOST_ADDED_MIB
        # A collector that answers nobody has nothing: all that does not wait must have been counted. 512: a batch on its way.
        is_uncounted = server.collector in (DEAD, SILENT) and waiting + dropped < server.requests - 512
        if server.failed or added_ms > MOST_ADDED_MS or is_large or is_uncounted:
            problems.append(f"{server.path} with a {server.collector} one")
    out.print(rows)
    out.print(
        f"\nwanted: no failure, p99 within {MOST_ADDED_MS:g} ms and memory within {MOST_ADDED_MIB:g} MiB of a good one's, "
        f"all spans counted: {'missed: ' + ', '.join(problems) if problems else 'met'}"
    )
    return 1 if problems else 0


@contextmanager
def _running(folder: Path, server: int, others: int) -> Iterator[list[Server]]:
    """All of them, started and answering. Raises RuntimeError when one of their processes does not listen."""
    processes: list[subprocess.Popen[bytes]] = []
    servers = []
    with ended(processes):
        for collector, path in ((each, path) for each in (FINE, DEAD, SILENT, SLOW) for path in ("default", "lean+exporter")):
            port, collector_port = unused_ports(2)
            endpoint = f"http://127.0.0.1:{collector_port}"
            if collector == FINE:
                processes.append(begin("benchmarks._span_sink", str(collector_port), processor=others))
            elif collector != DEAD:
                processes.append(begin("benchmarks._bad_collector", str(collector_port), collector, processor=others))
            exporting = []
            if path.endswith("+exporter"):
                exporting = [str(folder / f"{collector}.sock")]
                told = {"FIREBREAK_EXPORTER": exporting[0], "FIREBREAK_OTLP_ENDPOINT": endpoint}
                processes.append(begin("observability.exporter.main", processor=others, environment=told))
            serving = begin("benchmarks._overhead_app", path, str(port), endpoint, *exporting, processor=server)
            processes.append(serving)
            exporters = [processes[-2].pid] if exporting else []
            servers.append(Server(path, collector, port, [serving.pid, *exporters]))
        for each in servers:
            await_listener(each.port)
        yield servers


if __name__ == "__main__":
    sys.exit(main())
