"""How long a start takes: processes forked from a warmed parent against the same processes spawned from scratch.

    python benchmarks/start.py [ROUNDS]

Each round starts FeastFast three times on free ports and in a fresh folder, and waits until its nine services and the telemetry
store are healthy: once forked without data, when migrations make every table and services their first rows, and then once each
way, in an order that alternates, on the data of that first start. Figures, of starts with data: a forked start takes at most
1.0 s from the launch of the supervisor on 2 otherwise idle processors (the supervisor's and the warmed parent's own starts and
imports included), and at most 0.45 of the time that the same processes take when they are spawned, all at once, in the same
round.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from operator import truediv
from pathlib import Path
from typing import Final

from benchmarks._figure import met_word
from testbed.launch import LaunchOptions, launch, stop
from testbed.run import RunFolder

ROUNDS: Final = 7
FIGURE_S: Final = 1.0
FIGURE_RATIO: Final = 0.45


@dataclass(frozen=True)
class Start:
    """One start, in seconds until the last process was healthy.

    Attributes:
        launched_s: From the launch of the supervisor.
        running_s: From when the first process of the system ran; for a forked start this leaves most imports out.
    """

    launched_s: float
    running_s: float


def main() -> int:
    """Prints the figures; 1 when one is missed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    first: list[Start] = []
    forked: list[Start] = []
    spawned: list[Start] = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as data:
            first.append(measure(Path(data), spawn=False))
            for starts in (forked, spawned) if number % 2 == 0 else (spawned, forked):
                starts.append(measure(Path(data), spawn=starts is spawned))
    forked_s, ratio = compare(
        "from the launch of the supervisor", [s.launched_s for s in forked], [s.launched_s for s in spawned]
    )
    compare("without the warmed parent's imports", [s.running_s for s in forked], [s.running_s for s in spawned])
    print(f"first start, with migrations: forked {spread([s.launched_s for s in first])} s from the launch of the supervisor")
    print(f"medians and ranges of {rounds} interleaved rounds; ratios within each round; {os.cpu_count()} processors")
    print(f"figure: forked <= {FIGURE_S:g} s: {met_word(forked_s <= FIGURE_S)}")
    print(f"figure: forked / spawned <= {FIGURE_RATIO:g}: {met_word(ratio <= FIGURE_RATIO)}")
    return int(forked_s > FIGURE_S or ratio > FIGURE_RATIO)


def measure(data: Path, *, spawn: bool) -> Start:
    """Starts the system in a fresh folder, with its databases in `data`, and stops it."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        launched_at = time.time()
        launch(LaunchOptions(state=state, data=data, free_ports=True, spawn=spawn))
        lines = [json.loads(line) for line in RunFolder(state).journal.read_text().splitlines()]
        stop(state)
    ready_at = max(line["t"] for line in lines if line["event"] == "ready" and "/" in line["instance"])
    ran_at = min(line["t"] for line in lines if line["event"] == "start" and "/" in line["instance"])
    return Start(ready_at - launched_at, ready_at - ran_at)


def compare(title: str, forked_s: list[float], spawned_s: list[float]) -> tuple[float, float]:
    """Prints one comparison; returns the forked median and the median ratio."""
    ratio = statistics.median(map(truediv, forked_s, spawned_s))
    print(f"{title}: forked {spread(forked_s)} s, spawned {spread(spawned_s)} s, ratio {ratio:.2f}")
    return statistics.median(forked_s), ratio


def spread(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    sys.exit(main())
