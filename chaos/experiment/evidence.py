"""Everything that an arm left behind, read from its folder and from nowhere else."""

from dataclasses import dataclass

from chaos.experiment.alert_record import AlertRecord
from chaos.experiment.errors import EvidenceError
from chaos.experiment.facts import ArmFacts, FaultFacts
from chaos.experiment.folders import ArmFolder, read_model
from chaos.experiment.journeys import Journey, RequestLine, assemble, read_requests
from chaos.experiment.load_summary import LoadSummary
from chaos.experiment.machine import CpuRecord
from chaos.experiment.metrics import MetricsRecord
from chaos.experiment.process_journal import ProcessJournal
from chaos.experiment.result import TracePick
from chaos.experiment.served import Served, ServedRecord
from chaos.experiment.trace import read_pick
from chaos.experiment.windows import Windows
from chaos.invariants.books import Books
from chaos.invariants.one_courier import Outage
from chaos.targets.place import Place


@dataclass(frozen=True)
class ArmEvidence:
    """One arm's evidence. `books` and `alerts` are None when nobody could be asked, `trace` when no journey was degraded."""

    facts: ArmFacts
    fault: FaultFacts
    requests: tuple[RequestLine, ...]
    journeys: tuple[Journey, ...]
    load: LoadSummary
    cpu: CpuRecord
    metrics: MetricsRecord
    journal: ProcessJournal
    served: Served
    books: Books | None
    alerts: AlertRecord | None
    trace: TracePick | None

    @classmethod
    def read(cls, folder: ArmFolder, place: Place) -> "ArmEvidence":
        """Reads an arm's folder. Raises EvidenceError for one that cannot be judged, naming the file."""
        facts = folder.read_facts()
        if facts.fault is None:
            raise EvidenceError(f"{folder.facts}: says nothing of a fault")
        requests = read_requests(folder.requests)
        journeys = assemble(requests, str(folder.requests))
        return cls(
            facts=facts,
            fault=facts.fault,
            requests=requests,
            journeys=journeys,
            load=LoadSummary.read(folder.load_summary),
            cpu=CpuRecord.read(folder.cpu),
            metrics=MetricsRecord.read(folder.metrics),
            journal=ProcessJournal.read(folder.system.journal),
            served=_served(folder, place, facts),
            books=read_model(folder.books, Books) if folder.books.exists() else None,
            alerts=read_model(folder.alerts, AlertRecord) if folder.alerts.exists() else None,
            trace=read_pick(folder.trace, journeys),
        )

    @property
    def lifted_s(self) -> float:
        """When the fault was lifted: seconds from the schedule's start. A fault that nobody lifted lasted to the end."""
        return self.facts.marks_s[-1] if self.fault.lifted_s is None else self.fault.lifted_s

    @property
    def windows(self) -> Windows:
        """The windows that are compared."""
        return Windows.of(self.facts.marks_s, self.fault.applied_s, self.lifted_s)

    @property
    def outage(self) -> Outage:
        """When the fault was in force, on the wall clock."""
        return Outage(self.facts.started_at + self.fault.applied_s, self.facts.started_at + self.lifted_s)


def _served(folder: ArmFolder, place: Place, facts: ArmFacts) -> Served:
    if folder.served.exists():
        return read_model(folder.served, ServedRecord).served
    return Served.read(folder.system.telemetry, place.service, facts.started_at)
