"""The end of a run on a screen: what every arm showed, side by side, its objectives, the six proofs, and where the report is."""

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chaos.experiment.outcomes import ProofKind
from chaos.experiment.pace import pace_sentence
from chaos.experiment.result import ArmResult, Result
from chaos.experiment.wording import HOLDING, OBJECTIVE_MARK, PROOF_NAME, STATUS_MARK, VERDICT_STYLE, p95_change, success_change


def print_result(result: Result, report: Path, out: Console) -> None:
    """Prints everything that a reader needs before opening the report."""
    out.print()
    out.print(Text(result.experiment.title, "bold"))
    if pace := pace_sentence(result.experiment.pace, result.experiment.rehearsal):
        out.print(pace, highlight=False)
    out.print(_journeys(result))
    for arm in result.arms:
        _print_arm(arm, out)
    out.print()
    out.print(Text(result.sentence, "bold green" if result.passed else "bold red"), soft_wrap=True)
    out.print(f"report: {report}", soft_wrap=True, highlight=False)


def _journeys(result: Result) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("journey")
    for arm in result.arms:
        table.add_column(f"{arm.name}: success before → during", justify="right")
        table.add_column("p95", justify="right")
        table.add_column("")
    for name in result.experiment.rates_per_s:
        cells = [Text(name)]
        for journey in (arm.journey(name) for arm in result.arms):
            before, during = journey.baseline, journey.fault
            cells += [Text(success_change(before, during)), Text(p95_change(before, during)), HOLDING[journey.holding]]
        table.add_row(*cells)
    return table


def _print_arm(arm: ArmResult, out: Console) -> None:
    without = f", without {', '.join(arm.without)}" if arm.without else ""
    heading = Text.assemble(
        (f"{arm.name} ", "bold"), (str(arm.verdict), VERDICT_STYLE[arm.verdict]), f"  (profile {arm.profile}{without}; "
    )
    heading.append("as expected)" if arm.met else f"expected {arm.expected})", "green" if arm.met else "red")
    out.print(heading, soft_wrap=True)
    grid = Table.grid(padding=(0, 1))
    for width in (1, max(map(len, PROOF_NAME.values()))):
        grid.add_column(width=width, no_wrap=True)
    grid.add_column(overflow="fold")
    for objective in arm.objectives:
        grid.add_row(OBJECTIVE_MARK[objective.status], "objective", objective.sentence)
    for kind in ProofKind:
        proof = arm.proof(kind)
        grid.add_row(STATUS_MARK[proof.status], PROOF_NAME[kind], proof.sentence)
    for reason in () if arm.met else arm.reasons:
        grid.add_row("", Text("why", "bold"), reason)
    out.print(grid)
