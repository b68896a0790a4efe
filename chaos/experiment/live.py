"""What the load's record says while it is being written: how each journey fared in the last seconds."""

from collections import deque
from dataclasses import dataclass
from pathlib import Path

from chaos.experiment.errors import EvidenceError
from chaos.experiment.journeys import RequestLine, read_request

RECENT_S = 3.0
_MAX_READ_BYTES = 4_000_000


@dataclass(frozen=True)
class Recent:
    """Journeys of one kind that ended in the last RECENT_S seconds."""

    ended: int
    succeeded: int
    degraded: int


class LiveRecord:
    """Follows a growing requests.jsonl. A line that is not whole yet waits for its end; one that is damaged is passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._open: dict[str, bool] = {}
        self._ended: deque[tuple[float, str, bool, bool]] = deque()
        self.succeeded = 0
        """Journeys of every kind, from the first line read to the last."""

    def recent(self, now_s: float) -> dict[str, Recent]:
        """By journey, at `now_s` seconds of the schedule."""
        for line in self._new_lines():
            self._take(line)
        while self._ended and self._ended[0][0] < now_s - RECENT_S:
            self._ended.popleft()
        found: dict[str, Recent] = {}
        for _, name, succeeded, degraded in self._ended:
            before = found.get(name, Recent(0, 0, 0))
            found[name] = Recent(before.ended + 1, before.succeeded + succeeded, before.degraded + degraded)
        return found

    def _take(self, line: RequestLine) -> None:
        degraded = self._open.pop(line.id, False) or line.degraded
        if line.last:
            self.succeeded += line.outcome == "ok"
            self._ended.append((line.done, line.journey, line.outcome == "ok", degraded))
        else:
            self._open[line.id] = degraded

    def _new_lines(self) -> list[RequestLine]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                whole, newline, _ = file.read(_MAX_READ_BYTES).rpartition(b"\n")
        except OSError:
            return []
        self._offset += len(whole) + len(newline)
        found = []
        for raw in whole.splitlines():
            try:
                found.append(read_request(raw, str(self._path)))
            except EvidenceError:
                continue
        return found
