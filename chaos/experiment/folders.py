"""Where everything of a run is kept, each file with one name. A run can be judged again from its folder alone.

.testbed/runs/<run id>/            experiment.yaml topology.yaml slo.yaml facts.json verdict.json junit.xml report.html
.testbed/runs/<run id>/arms/<arm>/ what the arm's system keeps (testbed.run.RunFolder), and the evidence about it
.testbed/runs/latest               a link to the newest run
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from chaos.experiment.errors import EvidenceError
from chaos.experiment.facts import ArmFacts, RunFacts
from chaos.experiment.result import TRACE_FILE, VERDICT_FILE
from testbed.run import RUNS, RunFolder

LATEST = "latest"

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class ArmFolder:
    """Paths of one arm."""

    root: Path

    @property
    def system(self) -> RunFolder:
        """What the arm's system keeps."""
        return RunFolder(self.root)

    @property
    def facts(self) -> Path:
        """When what was done (chaos.experiment.facts)."""
        return self.root / "arm.json"

    @property
    def topology(self) -> Path:
        """The map that the arm was run on."""
        return self.root / "topology.yaml"

    @property
    def load(self) -> Path:
        """Folder of the load generator's record."""
        return self.root / "load"

    @property
    def requests(self) -> Path:
        """Every request, one JSON object a line."""
        return self.load / "requests.jsonl"

    @property
    def load_summary(self) -> Path:
        """What the load generator says about itself."""
        return self.load / "load.json"

    @property
    def load_log(self) -> Path:
        """What the load generator printed."""
        return self.root / "logs" / "load.log"

    @property
    def metrics(self) -> Path:
        """`<mark>/<service>-<replica>.txt`."""
        return self.root / "metrics"

    @property
    def cpu(self) -> Path:
        """The machine's processor time, one sample a line."""
        return self.root / "cpu.jsonl"

    @property
    def alerts(self) -> Path:
        """Which alerts stood when (chaos.experiment.alert_record); missing where there was no Prometheus."""
        return self.root / "alerts.json"

    @property
    def served(self) -> Path:
        """What the service that is faulted served (chaos.experiment.served), of a system that keeps its spans elsewhere."""
        return self.root / "served.json"

    @property
    def books(self) -> Path:
        """The books that invariants compare."""
        return self.root / "books.json"

    @property
    def trace(self) -> Path:
        """A trace of one degraded journey, in the envelope of Jaeger's API."""
        return self.root / TRACE_FILE

    def read_facts(self) -> ArmFacts:
        """Facts of an arm that has run to its end. Raises EvidenceError for any other."""
        facts = read_model(self.facts, ArmFacts)
        if not facts.complete or facts.fault is None or facts.fault.lifted_s is None:
            raise EvidenceError(f"{self.facts}: the arm {facts.name} did not run to its end; run the experiment again")
        return facts


@dataclass(frozen=True)
class ExperimentFolder:
    """Paths of one run."""

    root: Path

    @property
    def experiment(self) -> Path:
        """The experiment's file, as it was."""
        return self.root / "experiment.yaml"

    @property
    def topology(self) -> Path:
        """The map, as it was before the experiment changed it."""
        return self.root / "topology.yaml"

    @property
    def slo(self) -> Path:
        """The objectives that alerts are made from, as they were."""
        return self.root / "slo.yaml"

    @property
    def facts(self) -> Path:
        """Seed, scale, pace, order, versions, machine."""
        return self.root / "facts.json"

    @property
    def verdict(self) -> Path:
        """The result (chaos.experiment.result)."""
        return self.root / VERDICT_FILE

    @property
    def junit(self) -> Path:
        """The result for CI systems."""
        return self.root / "junit.xml"

    @property
    def report(self) -> Path:
        """The result for people."""
        return self.root / "report.html"

    @property
    def arms(self) -> Path:
        """A folder an arm."""
        return self.root / "arms"

    def arm(self, name: str) -> ArmFolder:
        """Paths of one arm."""
        return ArmFolder(self.arms / name)

    @classmethod
    def create(cls, run_id: str, runs: Path = RUNS) -> "ExperimentFolder":
        """Makes a new folder, and `latest` point to it. Raises FileExistsError when it is taken, or another OSError."""
        folder = cls(runs / run_id)
        folder.root.mkdir(parents=True)
        link = runs / LATEST
        fresh = runs / f".{LATEST}.{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(run_id)
        fresh.replace(link)
        return folder

    @classmethod
    def find(cls, name: str, runs: Path = RUNS) -> "ExperimentFolder":
        """The folder called `name`: a path, a run id or `latest`. Raises EvidenceError naming the runs there are."""
        for root in (Path(name), runs / name):
            if (root / "facts.json").is_file():
                return cls(root.resolve())
        known = sorted((path.name for path in runs.glob("*") if path.is_dir() and not path.is_symlink()), reverse=True)[:5]
        there = f"the newest in {runs}: {', '.join(known)}" if known else f"{runs} holds none yet; make one with: chaos run NAME"
        raise EvidenceError(f"{name!r} is no run of an experiment (it has no facts.json); {there}")

    def read_facts(self) -> RunFacts:
        """Facts of a run whose arms have all run to their end. Raises EvidenceError for any other."""
        facts = read_model(self.facts, RunFacts)
        if facts.took_s is None:
            raise EvidenceError(f"{self.root}: the run was broken off before its arms had run to their end; run it again")
        return facts


def write_model(path: Path, model: BaseModel) -> None:
    """Writes a model as JSON, whole or not at all. Raises OSError."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_text(model.model_dump_json(indent=1), encoding="utf-8")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def read_model(path: Path, model: type[Model]) -> Model:
    """Reads what `write_model` wrote. Raises EvidenceError naming the file."""
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        raise EvidenceError(f"{path}: {'.'.join(map(str, detail['loc']))}: {detail['msg']}") from None
