"""What Prometheus and Alertmanager beside a system cost: its start, processor time under load, memory and disk.

    python -m benchmarks.stack [ROUNDS]

Each round starts FeastFast with and without them, in an order that alternates, on free ports and in fresh folders, and plays the
demo's load against it. Needs both programs on the PATH. Figures: the start takes at most 0.25 s longer; the scrapes and rules of
a second take at most 0.2 s of one processor, in Prometheus, Alertmanager and everything that is scraped together.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks._figure import met_word
from benchmarks._locust import pss_mib
from benchmarks._processors import process_s
from testbed.control import SystemStatus, status
from testbed.launch import LaunchOptions, launch, stop
from testbed.run import RunFolder
from testbed.stack.programs import ALERTMANAGER, PROMETHEUS, find_programs

ROUNDS: Final = 3
RATE: Final = "74"
SECONDS: Final = 12
FIGURE_START_S: Final = 0.25
FIGURE_CPU_S: Final = 0.2
_SETTLING_S: Final = 6.0
"""Until everything is scraped, and has met its first customers."""


@dataclass(frozen=True)
class Cost:
    """One start and one load.

    Attributes:
        start_s: Until the last replica was ready.
        cpu: Seconds of one processor a second, by process.
        mib: Proportional set size at the end, of the programs.
        disk_bytes: What the stack's folder holds at the end.
    """

    start_s: float
    cpu: dict[str, float]
    mib: dict[str, float]
    disk_bytes: int


def main() -> int:
    """Prints the figures; 1 when one is missed."""
    if not {PROMETHEUS, ALERTMANAGER} <= find_programs().keys():
        sys.exit("prometheus and alertmanager are not on the PATH")
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    watched: list[Cost] = []
    alone: list[Cost] = []
    for number in range(rounds):
        for costs in (watched, alone) if number % 2 == 0 else (alone, watched):
            costs.append(measure(stack=costs is watched))
    report(watched, alone)
    pairs = list(zip(watched, alone, strict=True))
    start_s = _median(one.start_s - other.start_s for one, other in pairs)
    cpu_s = _median(sum(one.cpu.values()) - sum(other.cpu.values()) for one, other in pairs)
    print(f"figure: the start takes <= {FIGURE_START_S:g} s longer ({start_s:+.2f}): {met_word(start_s <= FIGURE_START_S)}")
    print(f"figure: <= {FIGURE_CPU_S:g} s of one processor a second ({cpu_s:+.3f}): {met_word(cpu_s <= FIGURE_CPU_S)}")
    return int(start_s > FIGURE_START_S or cpu_s > FIGURE_CPU_S)


def measure(*, stack: bool) -> Cost:
    """Starts a system, loads and stops it."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        began_s = time.monotonic()
        launch(LaunchOptions(state=state, free_ports=True, stack=stack))
        start_s = time.monotonic() - began_s
        try:
            with under_load(state):
                time.sleep(_SETTLING_S)
                system = status(state)
                cpu = processor_time(system, SECONDS)
            mib = {program.name: pss_mib(program.pid) for program in system.stack if program.pid}
            disk_bytes = sum(path.stat().st_size for path in RunFolder(state).stack.rglob("*") if path.is_file())
        finally:
            stop(state)
    return Cost(start_s, cpu, mib, disk_bytes)


@contextmanager
def under_load(state: Path) -> Iterator[None]:
    """Customers come at RATE as long as the context is open."""
    record = state / "record"
    command = [sys.executable, "-m", "testbed.cli", "load", "--users", RATE, "--for", "10m", "--seed", "7"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen([*command, "--record", str(record), "--state", str(state)], stdout=quiet, stderr=quiet) as load:
        try:
            while not (record / "start.json").exists():
                if load.poll() is not None:
                    sys.exit(f"the load ended with code {load.returncode}")
                time.sleep(0.1)
            yield
        finally:
            load.terminate()


def processor_time(system: SystemStatus, seconds: float) -> dict[str, float]:
    """Seconds of one processor a second, by process."""
    programs = {program.name: program.pid for program in system.stack if program.pid}
    pids = {instance.name: instance.pid for instance in system.instances} | {"supervisor": system.supervisor_pid} | programs
    began_s, before = time.monotonic(), {name: process_s(pid) for name, pid in pids.items()}
    time.sleep(seconds)
    length_s = time.monotonic() - began_s
    return {name: (process_s(pid) - before[name]) / length_s for name, pid in pids.items()}


def report(watched: list[Cost], alone: list[Cost]) -> None:
    """Medians."""
    print(
        f"start: {_median(each.start_s for each in watched):.2f} s with, {_median(each.start_s for each in alone):.2f} s without"
    )
    print(f"seconds of one processor a second under {RATE} journeys a second, with and without:")
    for name in watched[0].cpu:
        pair = [_median(each.cpu.get(name, 0.0) for each in costs) for costs in (watched, alone)]
        print(f"  {name:20} {pair[0]:6.3f} {pair[1]:6.3f}")
    for name in watched[0].mib:
        print(f"{name}: {_median(each.mib[name] for each in watched):.0f} MiB of proportional set size")
    print(f"on disk at the end: {_median(each.disk_bytes for each in watched) / 1e6:.2f} MB")


def _median(values: Iterable[float]) -> float:
    return statistics.median(list(values))


if __name__ == "__main__":
    sys.exit(main())
