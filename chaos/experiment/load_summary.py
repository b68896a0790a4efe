"""What the load generator says about itself: load.json, written when its run has ended."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from chaos.experiment.errors import EvidenceError


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Lateness(_Said):
    """How much later than intended journeys were begun, milliseconds."""

    p50: float
    p99: float
    max: float


class LoadSummary(_Said):
    """Counts by journey. `complete` says that the schedule was played to its end and every request is in the record."""

    started_unix: float
    seed: int
    arrivals: int
    intended: dict[str, int]
    sent: dict[str, int]
    completed: dict[str, int]
    abandoned: dict[str, int]
    skipped: dict[str, int]
    dropped: dict[str, int]
    lateness_ms: Lateness
    complete: bool
    problem: str | None = None

    @classmethod
    def read(cls, path: Path) -> "LoadSummary":
        """Reads load.json. Raises EvidenceError when it is missing or not what the load generator writes."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise EvidenceError(f"{path}: cannot be read: {error.strerror}; the load did not come to its end") from None
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            raise EvidenceError(f"{path}: {'.'.join(map(str, detail['loc']))}: {detail['msg']}") from None
