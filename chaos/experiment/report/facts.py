"""What was run: enough to judge whether the figures are one's own, and to run it again."""

from dataclasses import dataclass
from pathlib import Path

from chaos.experiment.experiment_file import shipped_experiments
from chaos.experiment.folders import ExperimentFolder
from chaos.experiment.report.formats import NBSP, TIMES, clip, gibibytes, milliseconds, moment, number, percent, seconds
from chaos.experiment.report.marks import arm_label
from chaos.experiment.report.panel import PHASES
from chaos.experiment.result import LoadQuality, Result
from testbed.run import RUNS

MAX_ENTRIES = 40
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class LoadRow:
    """One figure of the load in every arm."""

    label: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """The run, its load as planned and as delivered, and the commands that repeat it."""

    run: Pairs
    machine: Pairs
    versions: Pairs
    plan: Pairs
    arms: tuple[str, ...]
    load: tuple[LoadRow, ...]
    commands: Pairs


def facts(result: Result, run_folder: Path) -> Facts:
    """Everything about the run but what it showed."""
    return Facts(
        run=_run(result),
        machine=(
            ("processors", f"{result.machine.cpus}{NBSP}{TIMES} {clip(result.machine.cpu_model, 80)}"),
            ("memory", gibibytes(result.machine.memory_bytes)),
            ("system", clip(result.machine.system, 120)),
            ("Python", clip(result.machine.python, 40)),
        ),
        versions=tuple((clip(name, 60), clip(version, 40)) for name, version in list(result.versions.items())[:MAX_ENTRIES]),
        plan=_plan(result),
        arms=tuple(arm_label(arm) for arm in result.arms),
        load=_load(result),
        commands=_commands(result, run_folder),
    )


def _run(result: Result) -> Pairs:
    labels = {arm.name: arm_label(arm).lower() for arm in result.arms}
    ran = ", then ".join(clip(labels.get(name, name), 80) for name in result.order[:MAX_ENTRIES])
    same = "identical in every arm" if result.same_arrivals else "NOT identical between the arms"
    return (
        ("run", clip(result.run_id, 80)),
        ("started", moment(result.started_at)),
        ("took", seconds(result.took_s)),
        ("seed", str(result.seed)),
        ("order of arms", f"{ran} (drawn from the seed)"),
        ("arrivals", same),
    )


def _plan(result: Result) -> Pairs:
    phases = result.arms[0].phases if result.arms else ()
    rates = list(result.experiment.rates_per_s.items())[:MAX_ENTRIES]
    scale = result.experiment.scale
    lengths = ", ".join(f"{PHASES[phase.name]} {seconds(phase.end_s - phase.start_s)}" for phase in phases)
    return (
        ("fault", clip(result.experiment.fault, 120)),
        ("journeys a second", ", ".join(f"{clip(name, 40)} {number(rate)}" for name, rate in rates)),
        ("phases", lengths or "none was reached"),
        *((("scale", f"phases shortened to {percent(scale)} for a smoke run"),) if scale != 1 else ()),
    )


def _load(result: Result) -> tuple[LoadRow, ...]:
    quality = [arm.load for arm in result.arms]
    return (
        LoadRow("arrivals scheduled", tuple(number(load.arrivals) for load in quality)),
        LoadRow("sent", tuple(number(load.sent) for load in quality)),
        LoadRow("completed", tuple(number(load.completed) for load in quality)),
        LoadRow("abandoned (patience over)", tuple(number(load.abandoned) for load in quality)),
        LoadRow("skipped (nothing to do)", tuple(number(load.skipped) for load in quality)),
        LoadRow("dropped (too many in flight)", tuple(number(load.dropped) for load in quality)),
        LoadRow("lateness p50, p99, max", tuple(_lateness(load) for load in quality)),
        LoadRow("machine CPU mean, busier window", tuple(_cpu(load) for load in quality)),
        LoadRow("fingerprint of arrivals", tuple(clip(load.arrivals_sha256, 12) for load in quality)),
    )


def _lateness(load: LoadQuality) -> str:
    return ", ".join(milliseconds(value) for value in (load.lateness_p50_ms, load.lateness_p99_ms, load.lateness_max_ms))


def _cpu(load: LoadQuality) -> str:
    measured = [value for value in (load.cpu_mean_percent, load.cpu_max_percent) if value is not None]
    return ", ".join(percent(value / 100) for value in measured) or "not measured"


def _commands(result: Result, run_folder: Path) -> Pairs:
    """Commands for the project's folder; an experiment of one's own is repeated from the copy that the run keeps."""
    kept = ExperimentFolder(RUNS / run_folder.name)
    name = result.experiment.name
    experiment = name if name in shipped_experiments() else str(kept.experiment)
    scale = f" --scale {result.experiment.scale:g}" if result.experiment.scale != 1 else ""
    pace = f" --pace {result.experiment.pace:g}" if result.experiment.pace != 1 else ""
    return (
        ("Run it again", f"chaos run {experiment} --seed {result.seed}{scale}{pace}"),
        ("Draw this page again", f"chaos report {kept.root.name}"),
    )
