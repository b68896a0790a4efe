"""Keeps what is needed to find out why an invariant broke: the rows of every offending order and the log of its saga."""

import json
from pathlib import Path
from typing import Final

from chaos.http_get import FetchError
from chaos.invariants.dossier import dossier
from chaos.invariants.reading import ORDERS, Library
from chaos.invariants.rows import Row
from chaos.invariants.verification import Verification

MAX_ORDERS: Final = 50


class SagaEntryRow(Row):
    """One line of a saga's log."""

    saga_id: str
    version: int
    at: float
    owner: str
    entry: str


def offending_orders(done: Verification) -> tuple[str, ...]:
    """Orders that an invariant does not hold for, and those that are still under way; MAX_ORDERS at most."""
    offenders = [name for finding in done.findings.values() for name in finding.offenders if name in done.books.order]
    events = {row.event_id: row.key for rows in done.books.outbox.values() for row in rows}
    offenders += [
        events[name] for finding in done.findings.values() for name in finding.offenders if events.get(name) in done.books.order
    ]
    return tuple(dict.fromkeys([*offenders, *sorted(done.books.moving)]))[:MAX_ORDERS]


def write_autopsy(path: Path, done: Verification, library: Library) -> None:
    """Writes one JSON file. Raises OSError."""
    try:
        log = library.table(ORDERS, "sagas", SagaEntryRow)
    except FetchError:
        log = ()
    orders = {}
    for order in offending_orders(done):
        rows: dict[str, object] = {**dossier(done.books, order)}
        rows["saga"] = [f"{each.version} {each.at:.3f} {each.owner}: {each.entry}" for each in log if each.saga_id == order]
        orders[order] = rows
    findings = {name: {"sentence": each.sentence, "offenders": each.offenders} for name, each in done.findings.items()}
    path.write_text(json.dumps({"invariants": findings, "orders": orders}, indent=1), encoding="utf-8")
