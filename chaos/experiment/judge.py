"""From a run's folder to its result: reads the experiment, judges every arm, and writes verdict.json and junit.xml."""

from collections.abc import Sequence
from pathlib import Path

from chaos.experiment.evidence import ArmEvidence
from chaos.experiment.experiment_file import LoadedExperiment, load_experiment
from chaos.experiment.facts import RunFacts
from chaos.experiment.folders import ExperimentFolder
from chaos.experiment.junit import write_junit
from chaos.experiment.outcomes import Verdict
from chaos.experiment.result import ArmResult, ExperimentSummary, Result
from chaos.experiment.verdict import judge_arm
from observability.slo.loader import default_slo_path


def judge(folder: ExperimentFolder) -> Result:
    """Judges a run from its folder alone and writes what it found there.

    Raises:
        EvidenceError: The run did not end, or a file of it is missing or damaged.
        DocumentError: The folder's copy of the experiment or of the map cannot be used.
        OSError: The disk refused.
    """
    facts = folder.read_facts()
    loaded = load_experiment(folder.experiment, folder.topology, folder.slo if folder.slo.exists() else None)
    loaded = loaded.played(facts.pace, facts.scale)
    arms = {name: judge_arm(ArmEvidence.read(folder.arm(name), loaded.place), loaded, facts.seed) for name in facts.arms}
    ordered = tuple(arms[name] for name in loaded.experiment.arms if name in arms)
    result = _result(facts, loaded, ordered)
    result.write(folder.verdict)
    write_junit(result, folder.junit)
    return result


def _result(facts: RunFacts, loaded: LoadedExperiment, arms: tuple[ArmResult, ...]) -> Result:
    same = len({arm.load.arrivals_sha256 for arm in arms}) == 1
    experiment = loaded.experiment
    return Result(
        run_id=facts.run_id,
        experiment=ExperimentSummary(
            name=facts.experiment,
            title=experiment.title,
            hypothesis=experiment.hypothesis,
            description=experiment.description,
            rates_per_s={name: round(rate, 3) for name, rate in loaded.rates_per_s.items()},
            fault=str(experiment.fault),
            scale=facts.scale,
            pace=facts.pace,
            rehearsal=facts.rehearsal,
        ),
        seed=facts.seed,
        started_at=facts.started_at,
        took_s=facts.took_s or 0.0,
        versions=facts.versions,
        machine=facts.machine,
        arms=arms,
        order=facts.arms,
        same_arrivals=same,
        passed=same and all(arm.met for arm in arms),
        sentence=conclusion(arms, same_arrivals=same),
    )


def conclusion(arms: Sequence[ArmResult], *, same_arrivals: bool) -> str:
    """The whole run in one sentence."""
    verdicts = ", ".join(f"{arm.name} {arm.verdict}" for arm in arms)
    if not same_arrivals:
        return f"Not comparable: the arms did not see the same arrivals ({verdicts})."
    if all(arm.met for arm in arms):
        return f"As expected: {verdicts}."
    unmet = "; ".join(_unmet(arm) for arm in arms if not arm.met)
    undecided = {Verdict.INVALID, Verdict.INCONCLUSIVE} & {arm.verdict for arm in arms}
    return f"{'Nothing is proven' if undecided else 'Not as expected'}: {unmet}."


def _unmet(arm: ArmResult) -> str:
    why = arm.reasons[-1] if arm.verdict is arm.expected else arm.reasons[0]
    return f"{arm.name} is {arm.verdict}, expected {arm.expected} ({why})"


def copy_documents(loaded: LoadedExperiment, folder: ExperimentFolder) -> None:
    """Keeps the experiment, the map and the objectives as they are now. Raises OSError."""
    copies = (
        (loaded.path, folder.experiment),
        (loaded.topology_path, folder.topology),
        (default_slo_path(), folder.slo),
    )
    for source, target in copies:
        Path(target).write_bytes(source.read_bytes())
