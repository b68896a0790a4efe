"""Processor time, of the machine and of single processes, from /proc (Linux)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.control import SystemStatus

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_IDLE = (3, 4)  # idle and iowait, proc(5)


@dataclass(frozen=True)
class Usage:
    """Processor time so far, in seconds.

    Attributes:
        busy_s: Of all processors of the machine.
        total_s: The same with what was idle.
        by_service: Of all replicas of each service, of the load's own process (`load`) among them.
    """

    busy_s: float
    total_s: float
    by_service: Mapping[str, float]

    @classmethod
    def now(cls, system: SystemStatus) -> "Usage":
        """Reads it. Raises OSError when a process of the system has ended."""
        columns = [int(each) for each in Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]]
        by_service: dict[str, float] = {"load": process_s(os.getpid())}
        for instance in system.instances:
            by_service[instance.service] = by_service.get(instance.service, 0.0) + process_s(instance.pid)
        idle = sum(columns[each] for each in _IDLE)
        return cls((sum(columns) - idle) / _TICKS_A_SECOND, sum(columns) / _TICKS_A_SECOND, by_service)

    def since(self, earlier: "Usage") -> "Usage":
        """What was used from `earlier` on."""
        by_service = {name: used_s - earlier.by_service[name] for name, used_s in self.by_service.items()}
        return Usage(self.busy_s - earlier.busy_s, self.total_s - earlier.total_s, by_service)

    @property
    def busy_share(self) -> float:
        """Of the machine, 0 to 1."""
        return self.busy_s / self.total_s if self.total_s else 0.0


def process_s(pid: int) -> float:
    """Processor time of one process so far, in seconds. Raises OSError when there is none."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND  # utime and stime, counted from behind the name


def process_mib(pid: int) -> float:
    """What one process holds of the memory, shared pages shared out (PSS). Raises OSError when there is none."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1_024
