"""How long a start takes: processes forked from a warmed parent against the same processes spawned from scratch.

    python benchmarks/start.py [ROUNDS]

Each round starts FeastFast once each way, in an order that alternates, on free ports and in a fresh folder. Printed for each:
from the launch of the supervisor, from the start of its first process (the warmed parent's own start and imports included),
and for the forked start from the first fork on, all until every process is healthy.
"""

import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from operator import truediv
from pathlib import Path

from testbed.launch import LaunchOptions, launch, stop
from testbed.run import RunFolder

ROUNDS = 7
STORE = "telemetry/1"


@dataclass(frozen=True)
class Start:
    """One start, in seconds until the last of the nine services was healthy.

    Attributes:
        launched_s: From the launch of the supervisor.
        begun_s: From when the supervisor began to start processes.
        forked_s: From when the first process ran.
    """

    launched_s: float
    begun_s: float
    forked_s: float


def measure(*, spawn: bool) -> Start:
    """Starts the system in a fresh folder, and stops it."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        launched_at = time.time()
        system = launch(LaunchOptions(state=state, free_ports=True, spawn=spawn))
        lines = [json.loads(line) for line in RunFolder(state).journal.read_text().splitlines()]
        stop(state)
    ready_at = max(line["t"] for line in lines if line["event"] == "ready" and line["instance"] != STORE)
    first_at = min(line["t"] for line in lines if line["event"] == "start")
    return Start(ready_at - launched_at, ready_at - system.started_at, ready_at - first_at)


def main() -> None:
    """Measures and prints."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    forked: list[Start] = []
    spawned: list[Start] = []
    for number in range(rounds):
        for spawn in (False, True) if number % 2 == 0 else (True, False):
            (spawned if spawn else forked).append(measure(spawn=spawn))
    print(f"Nine services healthy, median (smallest - largest) of {rounds} interleaved rounds, seconds")
    for title, fork, spawn in (
        ("from the supervisor's launch", [start.launched_s for start in forked], [start.launched_s for start in spawned]),
        ("from the first process's start", [start.begun_s for start in forked], [start.begun_s for start in spawned]),
    ):
        ratio = statistics.median(map(truediv, fork, spawn))
        print(f"  {title:32} forked {spread(fork)}   spawned {spread(spawn)}   ratio {ratio:.2f}")
    print(f"  {'from the first fork':32} forked {spread([start.forked_s for start in forked])}")


def spread(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} - {max(values):.2f})"


if __name__ == "__main__":
    main()
