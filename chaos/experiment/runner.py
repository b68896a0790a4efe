"""A whole run: every arm of an experiment on a fresh system, one after another, and the judgement of what they left."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from chaos.experiment.arm_plan import PlannedArm
from chaos.experiment.arm_run import ArmRun
from chaos.experiment.circumstances import Rehearsal
from chaos.experiment.errors import RunError
from chaos.experiment.experiment_file import LoadedExperiment
from chaos.experiment.facts import RunFacts
from chaos.experiment.folders import ExperimentFolder, write_model
from chaos.experiment.judge import copy_documents, judge
from chaos.experiment.machine import package_versions, this_machine
from chaos.experiment.observer import Observer, RunPlan
from chaos.experiment.pace import pace_after, pace_sentence, stated_pace, told_apart
from chaos.experiment.rehearsal import BusyWatch, MachineTooBusyError
from chaos.experiment.result import Result
from chaos.experiment.world import World
from testbed.run import RUNS

MIN_FREE_BYTES = 300_000_000
"""Two arms of the shipped experiments leave less than a fifth of this; a disk that fills up in the middle wastes the run."""

MAX_ARM_S = 3_600.0
"""As long as the load generator plays at most (loadtests.options)."""
MAX_REHEARSALS = 2
"""The second tells what shrinks with the load from what does not (ADR 29); each costs a warm-up and a baseline."""
MAX_SAME_SECOND = 10


@dataclass(frozen=True)
class RunOptions:
    """How to run an experiment.

    Attributes:
        seed: Takes precedence over the file's.
        scale: Factor on the length of every phase.
        pace: How many times as often customers come; None: as the file says, or more slowly on a machine too busy for that.
        arms: Only these; all when empty.
        runs: Folder of all runs.
    """

    seed: int | None = None
    scale: float = 1.0
    pace: float | None = None
    arms: tuple[str, ...] = ()
    runs: Path = RUNS


@dataclass(frozen=True)
class Finished:
    """A run that was judged."""

    result: Result
    folder: ExperimentFolder


def run_experiment(loaded: LoadedExperiment, options: RunOptions, world: World, observer: Observer) -> Finished:
    """Runs and judges an experiment.

    Raises:
        RunError: An arm cannot be run; nothing of it runs any more.
        ControlError: A system did not start or stop.
        TargetError: A fault's target cannot be reached.
        EvidenceError: The arms ran, but what they left cannot be judged.
        OSError: The disk refused.
        KeyboardInterrupt: Passed on, once everything is healed and stopped.
    """
    played = _played(loaded, options)
    folder = _create_folder(loaded.name, options.runs)
    copy_documents(loaded, folder)
    facts = _facts(played, folder.root.name, options)
    observer.run_started(_plan(played, facts, folder))
    began = time.monotonic()
    rehearsals: list[Rehearsal] = []
    while True:
        is_watched = options.pace is None and len(rehearsals) < MAX_REHEARSALS
        try:
            _run_arms(played, facts, folder, world, observer, _watch(played, world) if is_watched else None)
            break
        except MachineTooBusyError as busy:
            rehearsals.append(busy.rehearsal)
        shutil.rmtree(folder.arms)
        facts = _slower(facts, rehearsals, loaded.experiment.load.slowest_pace)
        played = _of_possible_length(loaded.played(facts.pace, facts.scale))
        observer.begun_anew(_plan(played, facts, folder))
    write_model(folder.facts, facts.model_copy(update={"took_s": round(time.monotonic() - began, 3)}))
    return Finished(judge(folder), folder)


def _run_arms(
    played: LoadedExperiment,
    facts: RunFacts,
    folder: ExperimentFolder,
    world: World,
    observer: Observer,
    watch: BusyWatch | None = None,
) -> None:
    """Runs every arm, the first of them under `watch`."""
    write_model(folder.facts, facts)
    for name in facts.arms:
        planned = PlannedArm(name, played, folder.arm(name), facts.run_id, facts.seed)
        played.maps[name].write(planned.folder.topology)
        ArmRun(planned, world, observer, watch if name == facts.arms[0] else None).run()


def _played(loaded: LoadedExperiment, options: RunOptions) -> LoadedExperiment:
    """The experiment as it is to be run. Raises RunError for an arm or a pace that it does not have."""
    experiment = loaded.experiment
    unknown = [name for name in options.arms if name not in experiment.arms]
    if unknown:
        raise RunError(f"unknown arm {unknown[0]!r}; {loaded.name} has: {', '.join(experiment.arms)}")
    pace = stated_pace(options.pace, experiment.load.slowest_pace, loaded.name)
    return _of_possible_length(loaded.played(pace, options.scale))


def _of_possible_length(played: LoadedExperiment) -> LoadedExperiment:
    """Raises RunError for phases that the load generator does not play."""
    length_s = played.experiment.phases.marks_s()[-1]
    if length_s > MAX_ARM_S:
        raise RunError(f"at pace {played.pace:g} the phases add up to {length_s:.0f} s; at most {MAX_ARM_S:g} s are possible")
    return played


def _watch(played: LoadedExperiment, world: World) -> BusyWatch | None:
    """None for an experiment that has no slower pace."""
    if played.experiment.load.slowest_pace == played.pace:
        return None
    allowed_percent = played.experiment.bounds.machine_cpu_percent
    return BusyWatch(allowed_percent, sum(played.rates_per_s.values()), world.cpu, played.pace)


def _slower(facts: RunFacts, rehearsals: Sequence[Rehearsal], slowest: float) -> RunFacts:
    rehearsal = told_apart(rehearsals[-1], rehearsals[-2]) if len(rehearsals) > 1 else rehearsals[-1]
    return facts.model_copy(update={"pace": pace_after(rehearsal, slowest), "rehearsal": rehearsal})


def _create_folder(name: str, runs: Path) -> ExperimentFolder:
    """A new folder named by the time of day. Raises RunError for a disk that is nearly full, OSError for one that refuses."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    runs.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(runs).free
    if free < MIN_FREE_BYTES:
        raise RunError(f"{runs}: {free // 1_000_000} MB are free and a run wants {MIN_FREE_BYTES // 1_000_000}; make room there")
    for suffix in ("", *(f"-{number}" for number in range(2, MAX_SAME_SECOND))):
        try:
            return ExperimentFolder.create(f"{stamp}-{name}{suffix}", runs)
        except FileExistsError:
            continue
    raise RunError(f"{runs}: {MAX_SAME_SECOND} runs were begun in this second; one machine runs one experiment at a time")


def _facts(loaded: LoadedExperiment, run_id: str, options: RunOptions) -> RunFacts:
    seed = loaded.experiment.seed if options.seed is None else options.seed
    arms = [name for name in loaded.experiment.arms if not options.arms or name in options.arms]
    Random(f"order of arms/{seed}").shuffle(arms)
    return RunFacts(
        run_id=run_id,
        experiment=loaded.name,
        seed=seed,
        scale=options.scale,
        pace=loaded.pace,
        arms=tuple(arms),
        started_at=time.time(),
        versions=package_versions(),
        machine=this_machine(),
    )


def _plan(loaded: LoadedExperiment, facts: RunFacts, folder: ExperimentFolder) -> RunPlan:
    experiment = loaded.experiment
    return RunPlan(
        title=experiment.title,
        hypothesis=experiment.hypothesis,
        fault=str(experiment.fault),
        arms=facts.arms,
        roles=experiment.journeys.roles(),
        seed=facts.seed,
        length_s=experiment.phases.marks_s()[-1],
        pace=pace_sentence(facts.pace, facts.rehearsal),
        folder=folder.root,
    )
