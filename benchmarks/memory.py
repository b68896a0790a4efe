"""How much memory a system takes: proportional set size by process, after the start and under the demo's load.

    python benchmarks/memory.py [fork|spawn]

Proportional set size counts a page that n processes share as 1/n in each, so that the sum is what the machine has to give.
Figures: the nine services take at most 280 MiB once they are up, and the whole local testbed at most 450 MiB under the demo's
load: services, exporter, telemetry store, supervisor, warmed parent, and the load generator. Prometheus and what else may run
beside a system is not counted, and not started: `benchmarks.stack` measures it.
"""

import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks._demo_load import demo, load_of
from benchmarks._figure import met_word
from benchmarks._locust import play, pss_mib
from testbed.control import SystemStatus
from testbed.launch import LaunchOptions, launch, stop
from testbed.telemetry import TELEMETRY

SECONDS: Final = 20.0
FIGURE_SERVICES_MIB: Final = 280.0
FIGURE_ALL_MIB: Final = 450.0
_EVERY_S: Final = 1.0
_LEAD_S: Final = 15.0  # Memory does not mind a busy machine; the load's start would.


class Peak:
    """The largest sum that was seen while the load ran."""

    def __init__(self, system: SystemStatus) -> None:
        self._system = system
        self._seen_at_s = -_EVERY_S
        self.memory_mib: dict[str, float] = {}

    def watch(self, locust: int, second: float) -> None:
        """Looks about once a second: reading smaps takes a moment of the other processor."""
        if second < self._seen_at_s + _EVERY_S:
            return
        self._seen_at_s = second
        now = {**memory_mib(self._system), "load generator": pss_mib(locust)}
        if sum(now.values()) > sum(self.memory_mib.values()):
            self.memory_mib = now


def main() -> int:
    """Prints the figures; 1 when one is missed."""
    spawn = sys.argv[1:] == ["spawn"]
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        system = launch(LaunchOptions(state=state, free_ports=True, spawn=spawn, stack=False))
        try:
            idle = memory_mib(system)
            peak = Peak(system)
            play(system.addresses["gateway"], Path(folder) / "record", load_of(demo(), SECONDS), peak.watch, _LEAD_S)
        finally:
            stop(state)
    services_mib, all_mib = sum(mib for name, mib in idle.items() if is_service(name)), sum(peak.memory_mib.values())
    report(idle, peak.memory_mib)
    print(f"figure: nine services <= {FIGURE_SERVICES_MIB:g} MiB: {met_word(services_mib <= FIGURE_SERVICES_MIB)}")
    print(f"figure: everything under load <= {FIGURE_ALL_MIB:g} MiB: {met_word(all_mib <= FIGURE_ALL_MIB)}")
    return int(services_mib > FIGURE_SERVICES_MIB or all_mib > FIGURE_ALL_MIB)


def memory_mib(system: SystemStatus) -> dict[str, float]:
    """MiB by process."""
    processes = {instance.name: instance.pid for instance in system.instances} | {"supervisor": system.supervisor_pid}
    parent = parent_of(system.instances[0].pid)
    if system.exporter is not None:
        processes["exporter"] = system.exporter.pid
    if parent != system.supervisor_pid:
        processes["warmed parent"] = parent
    return {name: pss_mib(pid) for name, pid in processes.items()}


def report(idle: dict[str, float], loaded: dict[str, float]) -> None:
    """One line a process, and the sums."""
    print(f"{'MiB of proportional set size':30} {'after the start':>16} {'under load':>12}")
    for name, mib in loaded.items():
        print(f"{name:30} {idle.get(name, 0.0):16.1f} {mib:12.1f}")
    for title, chosen in (("nine services", is_service), ("everything", lambda _name: True)):
        sums = (sum(mib for name, mib in each.items() if chosen(name)) for each in (idle, loaded))
        print(f"{title:30} {next(sums):16.1f} {next(sums):12.1f}")


def is_service(name: str) -> bool:
    """Whether a process is one of the nine."""
    return "/" in name and not name.startswith(f"{TELEMETRY}/")


def parent_of(pid: int) -> int:
    """Process id of a process's parent."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


if __name__ == "__main__":
    sys.exit(main())
