"""How long the demo takes, and what its arms say about the load and the machine.

    python -m benchmarks.demo

Runs `testbed demo` as a reader would. Figures: at most 150 s, both arms as expected, and the generator's p99 lateness at most
2 ms. On a machine that is too slow or does other work customers come at a slower pace, which misses the first figure.
"""

import subprocess
import sys
import time
from typing import Final

from benchmarks._figure import met_word
from chaos.experiment.pace import pace_sentence
from chaos.experiment.result import Result
from testbed.run import RUNS

FIGURE_S: Final = 150.0
FIGURE_LATENESS_MS: Final = 2.0
_TIMEOUT_S: Final = 900.0


def main() -> int:
    """Runs it, prints the figures; 1 when one is missed."""
    began_s = time.monotonic()
    code = subprocess.run([sys.executable, "-m", "testbed.cli", "demo"], check=False, timeout=_TIMEOUT_S).returncode
    took_s = time.monotonic() - began_s
    result = Result.read(RUNS / "latest" / "verdict.json")
    print(pace_sentence(result.experiment.pace, result.experiment.rehearsal) or "customers came as the experiment says")
    for arm in result.arms:
        load = arm.load
        print(
            f"{arm.name}: {arm.verdict}; lateness p99 {load.lateness_p99_ms:.2f} ms; machine {load.cpu_mean_percent:.0f} % busy"
        )
    late_ms = max(arm.load.lateness_p99_ms for arm in result.arms)
    figures = {
        f"a run of {took_s:.0f} s <= {FIGURE_S:g} s": took_s <= FIGURE_S,
        "both arms as expected": code == 0,
        f"lateness p99 of {late_ms:.2f} ms <= {FIGURE_LATENESS_MS:g} ms": late_ms <= FIGURE_LATENESS_MS,
    }
    for name, met in figures.items():
        print(f"figure: {name}: {met_word(met)}")
    return 0 if all(figures.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
