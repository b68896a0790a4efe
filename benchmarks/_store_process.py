"""The telemetry store as its own process, confined to one processor, and what it uses."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TIMEOUT_S: Final = 10
_PORT_FIELDS: Final = ("X_FIREBREAK_PORT", "X_FIREBREAK_OTLP_PORT")


@dataclass(frozen=True)
class RunningStore:
    """The process, its file and where it listens."""

    process: subprocess.Popen[bytes]
    path: Path
    query_port: int
    otlp_port: int

    @property
    def file_bytes(self) -> int:
        """Of the file and its write-ahead log."""
        return sum(part.stat().st_size for part in self.path.parent.glob(f"{self.path.name}*") if not part.name.endswith("-shm"))

    @property
    def cpu_s(self) -> float:
        """Processor time so far, of user and system."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def pss_mib(self) -> float:
        """Proportional set size."""
        lines = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@contextmanager
def running_store(folder: Path) -> Iterator[RunningStore]:
    """Starts the store on a fresh file in `folder`, on the machine's last processor, and ends it afterwards."""
    path, address = folder / "telemetry.sqlite", str(folder / "notify")
    settings = {"FIREBREAK_STORE_PATH": str(path), "FIREBREAK_PORT": "0", "FIREBREAK_OTLP_PORT": "0"}
    allowed = os.sched_getaffinity(0)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(address)
        notify.settimeout(_TIMEOUT_S)
        os.sched_setaffinity(0, {max(allowed)})  # All threads of a process that is started now inherit it.
        command = [sys.executable, "-m", "observability.store.main"]
        process = subprocess.Popen(command, env={**os.environ, **settings, "NOTIFY_SOCKET": address})
        os.sched_setaffinity(0, allowed)
        try:
            fields = dict(line.split("=", 1) for line in notify.recv(4_096).decode().splitlines())
            query, otlp = (int(fields[name]) for name in _PORT_FIELDS)
            yield RunningStore(process, path, query, otlp)
        finally:
            process.terminate()
            process.wait(_TIMEOUT_S)
