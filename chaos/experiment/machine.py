"""The machine an experiment runs on: what it is, and how busy it was."""

import os
import platform
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from chaos.experiment.circumstances import Machine
from chaos.experiment.errors import EvidenceError

SAMPLE_EVERY_S = 0.5
TICKS_A_SECOND = 100
"""USER_HZ: the unit of /proc/stat on every architecture that Python supports (proc(5))."""
_STAT = Path("/proc/stat")
_CPUINFO = Path("/proc/cpuinfo")
_IDLE_COLUMNS = (3, 4)  # idle and iowait (proc(5)): a processor that waits for a disk could do other work.
_STOLEN_COLUMN = 7
"""Time in which this virtual machine wanted a processor, and its host gave it to others (proc(5): steal)."""
_SHOWN = ("firebreak", "fastapi", "aiohttp", "uvicorn", "pybreaker", "sqlalchemy", "opentelemetry-sdk", "locust")


class CpuSample(BaseModel):
    """Processor time since boot, over all cores, in ticks."""

    model_config = ConfigDict(frozen=True)

    at: float
    """Unix time, seconds."""
    busy: int
    total: int
    stolen: int = 0
    """The part of `busy` that the host of a virtual machine took for others."""


@dataclass(frozen=True)
class CpuRecord:
    """Samples in order of time; empty where the machine offers none."""

    samples: Sequence[CpuSample]

    @classmethod
    def read(cls, path: Path) -> "CpuRecord":
        """Reads one sample a line. A missing file is an empty record. Raises EvidenceError for a damaged one."""
        try:
            lines = path.read_bytes().splitlines()
        except FileNotFoundError:
            return cls(())
        except OSError as error:
            raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from None
        try:
            return cls(tuple(CpuSample.model_validate_json(line) for line in lines))
        except ValidationError as error:
            raise EvidenceError(f"{path}: is damaged: {error.errors(include_url=False)[0]['msg']}") from None

    def busy_percent(self, start_at: float, end_at: float) -> float | None:
        """Share of all cores' time that was used between two Unix times; None without two samples in between."""
        ends = self._ends(start_at, end_at)
        return ends and 100 * (ends[1].busy - ends[0].busy) / (ends[1].total - ends[0].total)

    def stolen_percent(self, start_at: float, end_at: float) -> float | None:
        """The same of what a host took for others."""
        ends = self._ends(start_at, end_at)
        return ends and 100 * (ends[1].stolen - ends[0].stolen) / (ends[1].total - ends[0].total)

    def share_of(self, cpu_s: float, start_at: float, end_at: float) -> float | None:
        """`cpu_s` seconds of processor time as a percentage of all cores' time between two Unix times."""
        ends = self._ends(start_at, end_at)
        if ends is None:
            return None
        measured = (ends[1].total - ends[0].total) / TICKS_A_SECOND / (ends[1].at - ends[0].at)
        return 100 * cpu_s / (measured * (end_at - start_at))

    def _ends(self, start_at: float, end_at: float) -> tuple[CpuSample, CpuSample] | None:
        """The first and the last sample in between; None where no time passes from one to the other."""
        inside = [sample for sample in self.samples if start_at <= sample.at <= end_at]
        return (inside[0], inside[-1]) if inside and inside[-1].total > inside[0].total else None


def read_cpu(stat: Path = _STAT) -> CpuSample | None:
    """The counters of this instant; None on a system that has none such."""
    try:
        columns = [int(column) for column in stat.read_text(encoding="ascii").splitlines()[0].split()[1:9]]
    except (OSError, ValueError, IndexError):
        return None
    idle = sum(columns[index] for index in _IDLE_COLUMNS)
    stolen = columns[_STOLEN_COLUMN] if len(columns) > _STOLEN_COLUMN else 0
    return CpuSample(at=time.time(), busy=sum(columns) - idle, total=sum(columns), stolen=stolen)


class CpuSampler:
    """Writes a sample twice a second from a thread of its own, from entering to leaving."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="cpu-sampler", daemon=True)
        self.problem: OSError | None = None

    def __enter__(self) -> "CpuSampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        try:
            with self._path.open("w", encoding="utf-8", buffering=1) as file:
                while (sample := read_cpu()) is not None:
                    file.write(sample.model_dump_json() + "\n")
                    if self._over.wait(SAMPLE_EVERY_S):
                        return
        except OSError as error:
            self.problem = error


def this_machine() -> Machine:
    """What this machine is, as far as it tells."""
    return Machine(
        cpus=os.cpu_count() or 1,
        cpu_model=_cpu_model(),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
    )


def _cpu_model() -> str:
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def package_versions() -> dict[str, str]:
    """Versions of Firebreak and of the packages that shape its figures."""
    found = {}
    for name in _SHOWN:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
