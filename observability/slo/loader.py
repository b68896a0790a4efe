"""Reads slo.yaml and checks it against the map of the system."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from observability.slo.dependencies import call_edges
from observability.slo.model import JourneyObjectives, Slo, SloFile, slos_of
from services.document import Document, DocumentError, Mistake, did_you_mean, read_document
from services.topology import Topology, split_edge

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")


@dataclass(frozen=True)
class Slos:
    """Objectives that have passed every check, and the map that they were checked against."""

    file: SloFile
    topology: Topology

    @property
    def every(self) -> tuple[Slo, ...]:
        """All objectives, journeys first."""
        return tuple(slos_of(self.file))

    @property
    def journeys(self) -> Mapping[str, JourneyObjectives]:
        """By name."""
        return self.file.journeys


def default_slo_path() -> Path:
    """FeastFast's own objectives."""
    return Path(str(files("observability") / "slo.yaml"))


def load_slos(path: Path | None, topology: Topology) -> Slos:
    """Reads the objectives at `path` (FeastFast's by default). Raises DocumentError naming every mistake, with line and key."""
    document = read_document(path or default_slo_path())
    file = document.parse(SloFile)
    mistakes = [*_services(document, file, topology), *_journeys(document, file, topology)]
    if mistakes:
        raise DocumentError(mistakes)
    return Slos(file, topology)


def _services(document: Document, file: SloFile, topology: Topology) -> Iterator[Mistake]:
    for name in file.services:
        if name not in topology.services:
            yield document.mistake(("services", name), _unknown(name, topology))


def _journeys(document: Document, file: SloFile, topology: Topology) -> Iterator[Mistake]:
    for name, journey in file.journeys.items():
        if not _NAME.fullmatch(name):
            problem = "is no journey's name; allowed: lower-case letters, digits, dashes and underscores, up to 31"
            yield document.mistake(("journeys", name), problem)
        if name in topology.services:
            yield document.mistake(("journeys", name), "is a service's name as well; alerts could not be told apart")
        for index, service in enumerate(journey.needs):
            unmet = _need_problem(service, journey.needs, topology)
            if unmet:
                yield document.mistake(("journeys", name, "needs", index), unmet)


def _need_problem(service: str, needs: tuple[str, ...], topology: Topology) -> str | None:
    """Why a journey cannot need `service`; None when a request of it can get there through the others that it needs."""
    if service not in topology.services:
        return _unknown(service, topology)
    if service == topology.entry:
        return "is the entry, which every journey needs; name those behind it"
    through = {topology.entry, *needs}
    if not any(split_edge(edge)[1] == service and split_edge(edge)[0] in through for edge in call_edges(topology)):
        callers = [split_edge(edge)[0] for edge in call_edges(topology) if split_edge(edge)[1] == service]
        return f"no request gets to {service} through what the journey needs; it is called by: {', '.join(callers) or 'nobody'}"
    return None


def _unknown(service: str, topology: Topology) -> str:
    return f"unknown service {service!r}; allowed: {', '.join(topology.services)}{did_you_mean(service, topology.services)}"
