"""What `testbed verify` prints."""

import json
from collections.abc import Mapping
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from chaos.invariants.finding import InvariantFinding, counted
from chaos.invariants.verification import Verification
from testbed.terminal import table

_VERDICTS: Final = {True: "ok", False: "broken", None: "not judged"}
_STYLES: Final = {True: "green", False: "bold red", None: "yellow"}
_MARKS: Final = {True: "✓", False: "✗", None: "?"}
_SHOWN_OFFENDERS: Final = 5


def print_verification(out: Console, done: Verification) -> None:
    """One line an invariant, and what all of them say together."""
    out.print(Padding(finding_table(done.findings), (0, 0, 1, 0)))
    orders, looks, count = len(done.books.orders), counted(done.looks, "look"), len(done.findings)
    held = sum(finding.holds is True for finding in done.findings.values())
    headline = (
        f"[bold red]{len(done.broken)} of {count} invariants {'does' if len(done.broken) == 1 else 'do'} not hold[/]"
        if done.broken
        else f"[bold green]{held} of {count} invariants hold[/]{'' if held == count else ', and none is broken'}"
    )
    out.print(f"{headline}: {counted(orders, 'order')}, {looks}, {done.took_s:.1f} s.", soft_wrap=True)
    if not done.is_quiet and not done.broken:
        out.print("The system is at work: a later look judges what moved during this one.", soft_wrap=True)


def finding_table(findings: Mapping[str, InvariantFinding]) -> Table:
    """One row an invariant; whose a broken one does not hold for stands below its sentence."""
    rows = table("invariant", "", "what the books say")
    for name, finding in findings.items():
        style = _STYLES[finding.holds]
        text = Text(finding.sentence)
        if finding.holds is False and finding.offenders:
            shown, more = finding.offenders[:_SHOWN_OFFENDERS], len(finding.offenders) - _SHOWN_OFFENDERS
            text.append(f"\n{', '.join(shown)}{f' and {more} more' if more > 0 else ''}", style="dim")
        rows.add_row(Text(name), Text(f"{_MARKS[finding.holds]} {_VERDICTS[finding.holds]}", style=style), text)
    return rows


def verification_json(done: Verification) -> str:
    """The same for programs."""
    document = {
        "holds": not done.broken,
        "quiet": done.is_quiet,
        "orders": len(done.books.orders),
        "looks": done.looks,
        "took_s": round(done.took_s, 3),
        "invariants": [
            {
                "name": name,
                "verdict": _VERDICTS[finding.holds],
                "sentence": finding.sentence,
                "numbers": finding.numbers,
                "offenders": finding.offenders,
            }
            for name, finding in done.findings.items()
        ],
    }
    return json.dumps(document, indent=1)
