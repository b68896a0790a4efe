"""Plays a fixed schedule with the real load generator, as experiments do, and measures its memory on the way."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from chaos.experiment.load_summary import LoadSummary

LOCUSTFILE: Final = Path(__file__).parents[1] / "loadtests" / "locustfile.py"
LEAD_S: Final = 3.0
"""For the load generator to start and to sign its customers in, before the first second of the schedule."""
_EVERY_S: Final = 0.02


def play(
    host: str, record: Path, arguments: list[str], watch: Callable[[int, float], None], lead_s: float = LEAD_S
) -> LoadSummary:
    """Runs Locust to its end and returns what it says about itself.

    Meanwhile `watch` is called, every few milliseconds, with its pid and the second of the schedule.
    """
    start_unix_s = time.time() + lead_s
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--host", host, "--record", str(record)]
    with (record.parent / "locust.log").open("w") as log:
        process = subprocess.Popen([*command, "--start-at", f"{start_unix_s:.6f}", *arguments], stdout=log, stderr=log)
        try:
            while process.poll() is None:
                watch(process.pid, time.time() - start_unix_s)
                time.sleep(_EVERY_S)
        finally:
            process.kill()
            process.wait()
    if process.returncode:
        sys.exit(f"the load generator ended with code {process.returncode}:\n{(record.parent / 'locust.log').read_text()}")
    return LoadSummary.read(record / "load.json")


def pss_mib(pid: int) -> float:
    """Proportional set size of a process in MiB; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1_024
