"""How many alerts a healthy system fires, and how soon the right one comes and goes when deliveries is killed.

    python -m benchmarks.alerts [--for SECONDS]     # of the healthy run, 600 by default

Figures: a healthy run at the demo's load pages nobody; in delivery-outage, protected, the page of deliveries comes within 10 s of
the fault and is over within 15 s of its end, and nobody is paged for anything else. Needs prometheus and alertmanager.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks._figure import met_word
from benchmarks._locust import play
from chaos.experiment.alert_record import AlertSpan
from chaos.experiment.experiment_file import find_experiment, load_experiment
from chaos.experiment.outcomes import AlertRole, ProofKind, ProofStatus
from chaos.experiment.prometheus_api import alert_spans
from chaos.experiment.result import Result
from chaos.http_get import http_get
from observability.slo.windows import Severity
from testbed.control import SystemStatus
from testbed.launch import LaunchOptions, launch, stop
from testbed.run import RUNS

EXPERIMENT: Final = "delivery-outage"
ARM: Final = "declared"
HEALTHY_S: Final = 600.0
FIGURE_FIRE_S: Final = 10.0
FIGURE_CLEAR_S: Final = 15.0
_TIMEOUT_S: Final = 300.0
_LOOK_BACK_S: Final = 60.0


@dataclass
class Healthy:
    """Keeps the alerts that stood, read once just before the load ends: without load nothing burns."""

    system: SystemStatus
    length_s: float
    spans: tuple[AlertSpan, ...] = field(default=())
    done: bool = False

    def watch(self, _locust: int, second: float) -> None:
        """Called all the time; reads once."""
        if not self.done and second >= self.length_s - 1:
            self.done = True
            now = time.time()
            began = now - second
            self.spans = alert_spans(self.system.addresses["prometheus"], http_get, began, now, second + _LOOK_BACK_S)


def main() -> int:
    """Prints the figures; 1 when one is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--for", dest="length_s", type=float, default=HEALTHY_S, help="seconds of the healthy run")
    length_s: float = parser.parse_args().length_s
    missed = [name for name, met in {**healthy(length_s), **outage()}.items() if not _said(name, met=met)]
    return 1 if missed else 0


def healthy(length_s: float) -> dict[str, bool]:
    """The demo's load on a system that nothing is done to."""
    rates = load_experiment(find_experiment(EXPERIMENT)).experiment.load.rates_per_s
    mix = ",".join(f"{name}={rate}" for name, rate in rates.items())
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        system = launch(LaunchOptions(state=state, free_ports=True))
        try:
            if "prometheus" not in system.addresses:
                sys.exit("no prometheus on the PATH; Debian: apt-get install prometheus prometheus-alertmanager")
            seen = Healthy(system, length_s)
            arguments = ["--users", str(sum(rates.values())), "--mix", mix, "--run-seconds", f"{length_s:g}", "--seed", "7"]
            play(system.addresses["gateway"], Path(folder) / "record", arguments, seen.watch)
        finally:
            stop(state)
    counted = Counter((span.severity, span.state) for span in seen.spans)
    found = ", ".join(f"{count} {severity} {state}" for (severity, state), count in counted.items())
    print(f"healthy, {length_s:.0f} s: {found or 'no alert'}")
    for span in seen.spans:
        print(f"  {span.severity} {span.state}: {span.alert} of {span.subject} {span.kind}, {span.start_s:.1f} s to {span.end_s}")
    return {
        f"a healthy run of {length_s:.0f} s was watched to its end": seen.done,
        f"it pages nobody ({counted[Severity.PAGE, 'firing']} pages)": not counted[Severity.PAGE, "firing"],
    }


def outage() -> dict[str, bool]:
    """The protected arm of the experiment, as `chaos run` runs it."""
    command = [sys.executable, "-m", "chaos.cli", "run", EXPERIMENT, "--arm", ARM]
    subprocess.run(command, check=False, timeout=_TIMEOUT_S)
    arm = Result.read(RUNS / "latest" / "verdict.json").arm(ARM)
    proof = arm.proof(ProofKind.ALERTS)
    pages = Counter(alert.role for alert in arm.alerts if alert.severity == "page")
    print(f"{EXPERIMENT}, {ARM}: {proof.sentence}")
    fired_s, cleared_s = (proof.numbers.get(f"deliveries_{what}_s", float("inf")) for what in ("fired", "cleared"))
    return {
        f"the right page after {fired_s:.1f} s <= {FIGURE_FIRE_S:g} s": fired_s <= FIGURE_FIRE_S,
        f"over {cleared_s:.1f} s after the fault <= {FIGURE_CLEAR_S:g} s": cleared_s <= FIGURE_CLEAR_S,
        f"pages for anything else: {pages[AlertRole.UNEXPECTED]}": proof.status is ProofStatus.PROVEN,
    }


def _said(name: str, *, met: bool) -> bool:
    print(f"figure: {name}: {met_word(met)}")
    return met


if __name__ == "__main__":
    sys.exit(main())
