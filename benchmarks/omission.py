"""Does a stall of the server show up in the latencies, or does the generator wait with it (coordinated omission)?

A server at 500 one-request journeys a second is stopped for 2 s within 20 s. Whoever arrives meanwhile waits until it goes on, so
every latency is known beforehand: from the seeded schedule and the two instants, and nothing else. A closed-loop generator sends
next to nothing during the stall and reports 2 ms. Figure: the recorded p99 is within 2 % of the computed one.
"""

import json
import os
import signal
import sys
import tempfile
from itertools import takewhile
from pathlib import Path
from typing import Final

from benchmarks._feastfast import feastfast
from benchmarks._figure import met_word
from benchmarks._locust import play
from loadtests.arrivals import arrivals
from loadtests.mix import Mix
from loadtests.tally import quantile

RATE: Final = 500
SECONDS: Final = 20.0
STALL_AT_S: Final = 9.0
STALL_S: Final = 2.0
SEED: Final = 7
FIGURE: Final = 0.02


class Stall:
    """Stops the process `pid` and lets it go on; remembers when it really did."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.instants_s: list[float] = []

    def watch(self, _load_pid: int, second: float) -> None:
        """Called every few milliseconds of the schedule."""
        if len(self.instants_s) == 0 and second >= STALL_AT_S:
            os.kill(self._pid, signal.SIGSTOP)
            self.instants_s.append(second)
        elif len(self.instants_s) == 1 and second >= self.instants_s[0] + STALL_S:
            os.kill(self._pid, signal.SIGCONT)
            self.instants_s.append(second)


def computed_p99_ms(stopped_s: float, resumed_s: float) -> float:
    """p99 of the schedule's latencies, if the server takes no time except for the stall."""
    mix = Mix.parse("sign_in=1", ["sign_in"])
    schedule = [
        takewhile(lambda each: each.instant_s < SECONDS, arrivals(SEED, source, mix, "poisson")) for source in range(RATE)
    ]
    instants_s = [each.instant_s for source in schedule for each in source]
    return 1_000 * quantile(sorted(resumed_s - at_s if stopped_s <= at_s < resumed_s else 0.0 for at_s in instants_s), 0.99)


def recorded_p99_ms(record: Path) -> float:
    """p99 of the record, from intended instant to answer."""
    with record.open() as lines:
        requests = [json.loads(line) for line in lines]
    return 1_000 * quantile(sorted(request["done"] - request["intended"] for request in requests), 0.99)


def main() -> int:
    """Prints the figures; 1 when one is missed."""
    with tempfile.TemporaryDirectory() as folder, feastfast() as (host, pid):
        record, stall = Path(folder) / "record", Stall(pid)
        arguments = ["--users", str(RATE), "--mix", "sign_in=1", "--run-seconds", str(SECONDS), "--seed", str(SEED)]
        late = play(host, record, arguments, stall.watch).lateness_ms
        recorded_ms = recorded_p99_ms(record / "requests.jsonl")
    stopped_s, resumed_s = stall.instants_s
    computed_ms = computed_p99_ms(stopped_s, resumed_s)
    off = abs(recorded_ms - computed_ms) / computed_ms
    print(f"server stopped for {resumed_s - stopped_s:.3f} s of {SECONDS:g} s at {RATE}/s; lateness p99 {late.p99:.2f} ms")
    print(f"p99 recorded {recorded_ms:.1f} ms, computed {computed_ms:.1f} ms: {off:.2%} apart")
    print(f"figure: within {FIGURE:.0%}: {met_word(off <= FIGURE)}")
    return int(off > FIGURE)


if __name__ == "__main__":
    sys.exit(main())
