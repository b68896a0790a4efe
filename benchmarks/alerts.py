"""How many alerts a healthy system fires, and how soon the right one comes and goes when deliveries is killed.

    python -m benchmarks.alerts [--for SECONDS] [--pace PACE]   # of the healthy run, 600 by default

On a machine too slow for the demo's load customers come at a slower pace: as `--pace` says, or as a short look finds first.

Figures: a healthy run at the demo's load pages nobody; in delivery-outage, protected, the page of deliveries comes within 10 s of
the fault and is over within 15 s of its end, and nobody is paged for anything else. Needs prometheus and alertmanager.
"""

import argparse
import math
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks._demo_load import DEMO, demo, load_of
from benchmarks._figure import met_word
from benchmarks._locust import play
from chaos.experiment.alert_record import AlertSpan
from chaos.experiment.experiment_file import LoadedExperiment
from chaos.experiment.live import LiveRecord
from chaos.experiment.machine import read_cpu
from chaos.experiment.outcomes import AlertRole, ProofKind, ProofStatus
from chaos.experiment.pace import pace_after
from chaos.experiment.prometheus_api import alert_spans
from chaos.experiment.rehearsal import BusyWatch, MachineTooBusyError
from chaos.experiment.result import Result
from chaos.http_get import http_get
from observability.slo.windows import Severity
from testbed.control import SystemStatus
from testbed.launch import LaunchOptions, launch, stop
from testbed.run import RUNS

ARM: Final = "declared"
HEALTHY_S: Final = 600.0
FIGURE_FIRE_S: Final = 10.0
FIGURE_CLEAR_S: Final = 15.0
_TIMEOUT_S: Final = 600.0
_LOOK_BACK_S: Final = 60.0
_WARM_S: Final = 5.0
_LOOK_UNTIL_S: Final = 20.0


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


@dataclass
class Look:
    """Looks at the machine for some seconds of the load; raises MachineTooBusyError at their end."""

    watch: BusyWatch
    live: LiveRecord
    marks_s: list[float] = field(default_factory=lambda: [_WARM_S, _LOOK_UNTIL_S])

    def at(self, _locust: int, second: float) -> None:
        """Called all the time; acts at each mark."""
        if self.marks_s and second >= self.marks_s[0]:
            self.live.recent(second)
            step = self.watch.begin if self.marks_s.pop(0) == _WARM_S else self.watch.end
            step(self.live.succeeded)


def main() -> int:
    """Prints the figures; 1 when one is missed."""
    loaded = demo()
    parser = argparse.ArgumentParser()
    parser.add_argument("--for", dest="length_s", type=float, default=HEALTHY_S, help="seconds of the healthy run")
    parser.add_argument(
        "--pace", type=_pace, help="how many times as often customers come, such as 0.5; by default a look decides"
    )
    arguments = parser.parse_args()
    pace = looked_at(loaded) if arguments.pace is None else arguments.pace
    missed = [
        name for name, met in {**healthy(loaded, arguments.length_s, pace), **outage(pace)}.items() if not _said(name, met=met)
    ]
    return 1 if missed else 0


def looked_at(loaded: LoadedExperiment) -> float:
    """The pace that this machine bears: a system of its own is looked at, so that nothing of it stands in the figures."""
    experiment = loaded.experiment
    with tempfile.TemporaryDirectory() as folder:
        state, record = Path(folder) / "state", Path(folder) / "record"
        system = launch(LaunchOptions(state=state, free_ports=True))
        watch = BusyWatch(experiment.bounds.machine_cpu_percent, experiment.load.total_per_s, read_cpu)
        look = Look(watch, LiveRecord(record / "requests.jsonl"))
        try:
            play(system.addresses["gateway"], record, load_of(loaded, _LOOK_UNTIL_S + 1, 1.0), look.at)
        except MachineTooBusyError as busy:
            pace = pace_after(busy.rehearsal, experiment.load.slowest_pace)
            print(f"{busy} ({busy.rehearsal.allowed_percent:g} % are allowed): customers come at pace {pace:g}")
            return pace
        finally:
            stop(state)
    return 1.0


def healthy(loaded: LoadedExperiment, length_s: float, pace: float) -> dict[str, bool]:
    """The demo's load on a system that nothing is done to."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        system = launch(LaunchOptions(state=state, free_ports=True))
        try:
            if "prometheus" not in system.addresses:
                sys.exit("no prometheus on the PATH; Debian: apt-get install prometheus prometheus-alertmanager")
            seen = Healthy(system, length_s)
            play(system.addresses["gateway"], Path(folder) / "record", load_of(loaded, length_s, pace), seen.watch)
        finally:
            stop(state)
    counted = Counter((span.severity, span.state) for span in seen.spans)
    found = ", ".join(f"{count} {severity} {state}" for (severity, state), count in counted.items())
    print(f"healthy, {length_s:.0f} s at pace {pace:g}: {found or 'no alert'}")
    for span in seen.spans:
        print(f"  {span.severity} {span.state}: {span.alert} of {span.subject} {span.kind}, {span.start_s:.1f} s to {span.end_s}")
    return {
        f"a healthy run of {length_s:.0f} s was watched to its end": seen.done,
        f"it pages nobody ({counted[Severity.PAGE, 'firing']} pages)": not counted[Severity.PAGE, "firing"],
    }


def outage(pace: float) -> dict[str, bool]:
    """The protected arm of the experiment, as `chaos run` runs it."""
    command = [sys.executable, "-m", "chaos.cli", "run", DEMO, "--arm", ARM, "--pace", f"{pace:g}"]
    subprocess.run(command, check=False, timeout=_TIMEOUT_S)
    arm = Result.read(RUNS / "latest" / "verdict.json").arm(ARM)
    proof = arm.proof(ProofKind.ALERTS)
    pages = Counter(alert.role for alert in arm.alerts if alert.severity == "page")
    print(f"{DEMO}, {ARM}, at pace {pace:g}: {proof.sentence}")
    fired_s, cleared_s = (proof.numbers.get(f"deliveries_{what}_s", float("inf")) for what in ("fired", "cleared"))
    return {
        f"the right page after {fired_s:.1f} s <= {FIGURE_FIRE_S:g} s": fired_s <= FIGURE_FIRE_S,
        f"over {cleared_s:.1f} s after the fault <= {FIGURE_CLEAR_S:g} s": cleared_s <= FIGURE_CLEAR_S,
        f"pages for anything else: {pages[AlertRole.UNEXPECTED]}": proof.status is ProofStatus.PROVEN,
    }


def _pace(text: str) -> float:
    slowest = demo().experiment.load.slowest_pace
    try:
        pace = float(text)
    except ValueError:
        pace = math.nan
    if not slowest <= pace <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed: write a number from {slowest:g} to 1")
    return pace


def _said(name: str, *, met: bool) -> bool:
    print(f"figure: {name}: {met_word(met)}")
    return met


if __name__ == "__main__":
    sys.exit(main())
