"""What the keeper did to processes (processes.jsonl): how long an instance was really down."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from chaos.experiment.errors import EvidenceError

_BEGINS = {"kill", "pause"}
_ENDS = {"start", "resume"}


class JournalLine(BaseModel):
    """One line; `t` is Unix time in seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    t: float
    event: str
    instance: str


@dataclass(frozen=True)
class ProcessJournal:
    """Lines in order of time."""

    lines: tuple[JournalLine, ...]

    @classmethod
    def read(cls, path: Path) -> "ProcessJournal":
        """Reads the journal. Raises EvidenceError when it is missing or damaged."""
        try:
            raw = path.read_bytes().splitlines()
        except OSError as error:
            raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from None
        lines = []
        for number, line in enumerate(raw, 1):
            try:
                lines.append(JournalLine.model_validate_json(line))
            except ValidationError as error:
                raise EvidenceError(f"{path}:{number}: {error.errors(include_url=False)[0]['msg']}") from None
        return cls(tuple(sorted(lines, key=lambda line: line.t)))

    def down_s(self, instance: str, start_at: float, end_at: float) -> float:
        """Seconds between two Unix times in which `instance` was killed or paused by the keeper."""
        down_since: float | None = None
        total = 0.0
        for line in self._of(instance):
            if line.event in _BEGINS and down_since is None:
                down_since = line.t
            elif line.event in _ENDS and down_since is not None:
                total += _overlap(down_since, line.t, start_at, end_at)
                down_since = None
        return total if down_since is None else total + _overlap(down_since, end_at, start_at, end_at)

    def _of(self, instance: str) -> Iterable[JournalLine]:
        return (line for line in self.lines if line.instance == instance)


def _overlap(first_start: float, first_end: float, second_start: float, second_end: float) -> float:
    return max(0.0, min(first_end, second_end) - max(first_start, second_start))
