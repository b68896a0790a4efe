"""A `docker` command that is told what to answer, and containers that never were."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chaos.targets.compose.docker import Answer
from chaos.targets.compose.engine import COMPOSE_SERVICE_LABEL, WORKING_DIR_LABEL, Container

INFO = '{"ServerVersion": "28.1.1", "OSType": "linux", "Architecture": "x86_64", "MemTotal": 8589934592, "MemoryLimit": true}'
NO_ENGINE = '{"ServerVersion": "", "OSType": "", "Architecture": "", "MemTotal": 0, "MemoryLimit": false}'


def said(out: str = "", err: str = "", code: int = 0) -> Answer:
    return Answer(code, out.encode(), err)


@dataclass
class FakeDocker:
    """Answers by the longest beginning of the arguments that it knows.

    Attributes:
        answers: What it says, by the beginning of a command line.
        fails: Beginnings of what it shows people and fails at, by exit code or by the error to raise.
        shown: Every command line that it showed people.
        asked: Every other one.
    """

    answers: Mapping[str, Answer] = field(default_factory=dict)
    fails: Mapping[str, int | BaseException] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def ask(self, *arguments: str) -> Answer:
        line = " ".join(arguments)
        self.asked.append(line)
        known = {**USUAL, **self.answers}
        return known[max((each for each in known if line.startswith(each)), key=len, default="")]

    def show(self, *arguments: str) -> int:
        line = " ".join(arguments)
        self.shown.append(line)
        result = next((result for each, result in self.fails.items() if line.startswith(each)), 0)
        if isinstance(result, BaseException):
            raise result
        return result


USUAL: Mapping[str, Answer] = {
    "": said(code=1, err="nobody told what to answer"),
    "info": said(INFO),
    "context inspect": said("unix:///var/run/docker.sock\n"),
    "compose version": said("2.40.0\n"),
    "compose config": said('{"services": {}}'),
    "volume inspect": said(code=1, err="Error: no such volume"),
    "logs": said(),
}


def container(service: str, folder: str = "", **changes: Any) -> Container:
    """A running one of the stack."""
    fields: dict[str, Any] = {
        "id": f"id-{service}",
        "name": f"firebreak-{service}-1",
        "labels": {COMPOSE_SERVICE_LABEL: service, WORKING_DIR_LABEL: folder},
        "environment": {},
        "state": "running",
        "health": "healthy",
        "started_at": 0.0,
        "ports": {},
        "mounts": {},
    }
    return Container(**fields | changes)
