"""A whole run: every arm of an experiment on a fresh system, one after another, and the judgement of what they left."""

import shutil
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from chaos.experiment.arm_plan import PlannedArm
from chaos.experiment.arm_run import ArmRun
from chaos.experiment.errors import RunError
from chaos.experiment.experiment_file import LoadedExperiment
from chaos.experiment.facts import RunFacts
from chaos.experiment.folders import ExperimentFolder, write_model
from chaos.experiment.judge import copy_documents, judge
from chaos.experiment.machine import package_versions, this_machine
from chaos.experiment.observer import Observer, RunPlan
from chaos.experiment.result import Result
from chaos.experiment.world import World
from testbed.run import RUNS

MIN_FREE_BYTES = 300_000_000
"""Two arms of the shipped experiments leave less than a fifth of this; a disk that fills up in the middle wastes the run."""

MAX_SAME_SECOND = 10


@dataclass(frozen=True)
class RunOptions:
    """How to run an experiment.

    Attributes:
        seed: Takes precedence over the file's.
        scale: Factor on the length of every phase.
        arms: Only these; all when empty.
        runs: Folder of all runs.
    """

    seed: int | None = None
    scale: float = 1.0
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
    loaded = _overridden(loaded, options)
    folder = _create_folder(loaded.name, options.runs)
    copy_documents(loaded, folder)
    facts = _facts(loaded, folder.root.name, options)
    write_model(folder.facts, facts)
    observer.run_started(_plan(loaded, facts, folder))
    began = time.monotonic()
    for name in facts.arms:
        planned = PlannedArm(name, loaded, folder.arm(name), facts.run_id, facts.seed)
        loaded.maps[name].write(planned.folder.topology)
        ArmRun(planned, world, observer).run()
    write_model(folder.facts, facts.model_copy(update={"took_s": round(time.monotonic() - began, 3)}))
    return Finished(judge(folder), folder)


def _overridden(loaded: LoadedExperiment, options: RunOptions) -> LoadedExperiment:
    """Raises RunError for an arm that the experiment does not have."""
    experiment = loaded.experiment
    unknown = [name for name in options.arms if name not in experiment.arms]
    if unknown:
        raise RunError(f"unknown arm {unknown[0]!r}; {loaded.name} has: {', '.join(experiment.arms)}")
    return replace(loaded, experiment=experiment.model_copy(update={"phases": experiment.phases.scaled(options.scale)}))


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
        folder=folder.root,
    )
