"""Does the load generator keep its schedule? First requests at the demo's rate, against a server that costs next to nothing.

Lateness is the time from an arrival's scheduled instant to the moment its first request is sent. Figure: p99 <= 2 ms.
"""

import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks._feastfast import feastfast
from benchmarks._locust import play, pss_mib

RATE: Final = "74"
MIX: Final = "browse=25,order=25,track=22,sign_in=2"
SECONDS: Final = "20"
FIGURE_P99_MS: Final = 2.0


def main() -> int:
    """Prints the figures; 1 when one is missed."""
    memory_mib = [0.0]

    def watch(pid: int, second: float) -> None:
        if round(second * 100) % 100 < 2:  # About once a second: reading smaps takes a moment of the other processor.
            memory_mib.append(pss_mib(pid))

    with tempfile.TemporaryDirectory() as folder, feastfast() as (host, _):
        arguments = ["--users", RATE, "--mix", MIX, "--run-seconds", SECONDS, "--seed", "7"]
        late = play(host, Path(folder) / "record", arguments, watch).lateness_ms
    print(f"lateness of first requests at {RATE}/s: p50 {late.p50:.2f} ms, p99 {late.p99:.2f} ms, max {late.max:.2f} ms")
    print(f"memory of the load generator: {max(memory_mib):.0f} MiB (proportional set size)")
    print(f"figure: p99 <= {FIGURE_P99_MS:g} ms: {'met' if late.p99 <= FIGURE_P99_MS else 'MISSED'}")
    return int(late.p99 > FIGURE_P99_MS)


if __name__ == "__main__":
    sys.exit(main())
