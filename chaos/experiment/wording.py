"""How figures of a result are written on a screen."""

from rich.text import Text

from chaos.experiment.outcomes import Holding, ObjectiveStatus, ProofKind, ProofStatus, Verdict
from chaos.experiment.result import WindowStats

VERDICT_STYLE = {
    Verdict.ISOLATED: "bold green",
    Verdict.LEAKED: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
    Verdict.INVALID: "bold magenta",
}
STATUS_MARK = {
    ProofStatus.PROVEN: Text("✓", "green"),
    ProofStatus.REFUTED: Text("✗", "red"),
    ProofStatus.UNKNOWN: Text("?", "yellow"),
    ProofStatus.NOT_EVALUATED: Text("-", "dim"),
}
HOLDING = {
    Holding.HELD: Text("held", "green"),
    Holding.LEAKED: Text("leaked", "red"),
    Holding.UNDECIDED: Text("undecided", "yellow"),
    Holding.NOT_JUDGED: Text(""),
}
OBJECTIVE_MARK = {
    ObjectiveStatus.HELD: Text("✓", "green"),
    ObjectiveStatus.VIOLATED: Text("✗", "red"),
    ObjectiveStatus.UNDECIDED: Text("?", "yellow"),
}
PROOF_NAME = {
    ProofKind.FAULT_BIT: "the fault bit",
    ProofKind.JOURNEYS_HELD: "journeys held",
    ProofKind.RIGHT_REASON: "for the right reason",
    ProofKind.ALERTS: "the alert fired",
    ProofKind.RECOVERY: "it recovered",
    ProofKind.INVARIANTS: "no invariant broke",
}


def percent(share: float | None) -> str:
    """A share as people read it. It is not rounded up to 100 %, nor down to 0 %, unless it is that."""
    if share is None:
        return "-"
    if 0 < share < 0.001 or 0.999 < share < 1:
        return "<0.1 %" if share < 0.5 else ">99.9 %"
    return f"{100 * share:.0f} %" if share in (0, 1) else f"{100 * share:.1f} %"


def milliseconds(value_ms: float | None) -> str:
    """A latency: `12 ms`, `1.2 s`."""
    if value_ms is None:
        return "-"
    return f"{value_ms / 1_000:.1f} s" if value_ms >= 1_000 else f"{value_ms:.0f} ms"


def success_change(before: WindowStats, during: WindowStats) -> str:
    """Success before and during the fault, and how much of the latter was degraded."""
    degraded = during.degraded_share
    note = f" ({percent(degraded)} degraded)" if degraded else ""
    return f"{percent(before.success)} → {percent(during.success)}{note}"


def p95_change(before: WindowStats, during: WindowStats) -> str:
    """The 95th percentile before and during the fault."""
    return f"{milliseconds(before.p95_ms)} → {milliseconds(during.p95_ms)}"
