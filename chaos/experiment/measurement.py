"""What was measured of an objective, before it is decided: several decisions of one arm share their chance of a false alarm."""

from dataclasses import dataclass, field

from chaos.experiment.outcomes import ObjectiveKind, ObjectiveStatus
from chaos.experiment.result import Interval, ObjectiveResult
from chaos.experiment.statistics.multiplicity import ALPHA


@dataclass(frozen=True)
class Measurement:
    """One objective's evidence.

    Attributes:
        kind: Which objective.
        subject: The edge or the journey that it is about.
        bound: What is allowed.
        said: The measurement in words, with its numbers.
        allowed: The bound in words.
        value: In the unit of the bound; None when nothing could be measured.
        interval: Of the value.
        violation_p: One-sided p-value of a violation; None where nothing is estimated.
        held: Whether it surely holds as far as the interval or the watching tells; None when that is not known.
        numbers: For programs, units last in their names.
    """

    kind: ObjectiveKind
    subject: str
    bound: float
    said: str
    allowed: str
    value: float | None = None
    interval: Interval | None = None
    violation_p: float | None = None
    held: bool | None = None
    numbers: dict[str, float] = field(default_factory=dict)

    def decided(self, adjusted_p: float | None) -> ObjectiveResult:
        """Violated if that is significant, held if it surely is, else undecided; without a p-value, what was watched decides."""
        if (adjusted_p is not None and adjusted_p <= ALPHA) or (adjusted_p is None and self.held is False):
            status = ObjectiveStatus.VIOLATED
        elif self.held:
            status = ObjectiveStatus.HELD
        else:
            status = ObjectiveStatus.UNDECIDED
        return ObjectiveResult(
            kind=self.kind,
            subject=self.subject,
            status=status,
            bound=self.bound,
            measured=self.value,
            interval=self.interval,
            p_value=adjusted_p,
            sentence=f"{self.kind} {status}: {self.said}; {self.allowed}",
            numbers=self.numbers,
        )
