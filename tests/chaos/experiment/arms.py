"""Everything that a run leaves in an arm's folder, made up from a scenario."""

import json
from collections.abc import Sequence
from contextlib import closing

from chaos.experiment.facts import ArmFacts, FaultFacts
from chaos.experiment.folders import ArmFolder, write_model
from chaos.experiment.metrics import Mark
from observability.store.schema import Signal, open_for_writing
from observability.store.span_rows import SpanRows
from tests.chaos.experiment.bookkeeping import books
from tests.chaos.experiment.scenarios import AFTER_FAULT, RATES, STEPS, Scenario, Visit, visits_of


def write_arm(folder: ArmFolder, scenario: Scenario) -> ArmFolder:
    for each in (folder.load, folder.metrics, folder.system.logs):
        each.mkdir(parents=True, exist_ok=True)
    visits = visits_of(scenario)
    write_load(folder, scenario)
    for mark in Mark:
        (folder.metrics / mark).mkdir(exist_ok=True)
        for service in ("orders", "gateway", "deliveries"):
            text = metrics_text(scenario, visits, service, mark)
            (folder.metrics / mark / f"{service}-1.txt").write_text(text, encoding="utf-8")
    write_store(folder, scenario)
    if scenario.with_books:
        write_model(folder.books, books(scenario))
    _write_cpu(folder, scenario)
    _write_journal(folder, scenario)
    fault = FaultFacts(
        applied_s=scenario.marks_s[2] + 0.02,
        lifted_s=scenario.marks_s[3] + 0.01,
        leases=("lease-1",),
        counts=scenario.counts,
        targets=("deliveries/1",),
    )
    facts = ArmFacts(
        name=scenario.arm, started_at=scenario.started_at, marks_s=scenario.marks_s, fault=fault, complete=scenario.arm_complete
    )
    write_model(folder.facts, facts)
    return folder


def write_load(folder: ArmFolder, scenario: Scenario) -> None:
    visits = visits_of(scenario)
    _write_load_summary(folder, scenario, visits)
    with folder.requests.open("w", encoding="utf-8") as file:
        for visit in visits:
            steps, fate, begin_s = STEPS[visit.name], visit.fate, visit.instant_s
            for position, step in enumerate(steps):
                end_s = begin_s + fate.elapsed_ms / 1_000 / len(steps)
                line = {
                    "journey": visit.name, "id": f"0-{visit.number}", "step": step, "intended": begin_s, "sent": begin_s,
                    "done": end_s, "status": 201 if fate.ok else fate.failure, "outcome": "ok" if fate.ok else "failed",
                    "degraded": fate.degraded and position == 0, "trace_id": f"{visit.number:030x}{position:02x}",
                    "last": position == len(steps) - 1 or not fate.ok,
                }  # fmt: skip
                file.write(json.dumps(line) + "\n")
                begin_s = end_s
                if not fate.ok:
                    break


def _write_load_summary(folder: ArmFolder, scenario: Scenario, visits: Sequence[Visit]) -> None:
    counts = {name: sum(visit.name == name for visit in visits) for name in RATES}
    summary = {
        "started_unix": scenario.started_at, "seed": 1, "plan": {}, "arrivals": len(visits), "intended": counts, "sent": counts,
        "completed": counts, "failed": {}, "abandoned": {}, "late": {}, "skipped": {"track": 2},
        "dropped": {"order": scenario.dropped}, "complete": scenario.complete,
        "lateness_ms": {"p50": 0.2, "p99": scenario.lateness_p99_ms, "max": 5.0, "count": 1},
        "problem": None if scenario.complete else "the disk was full",
    }  # fmt: skip
    folder.load_summary.write_text(json.dumps(summary), encoding="utf-8")


def metrics_text(scenario: Scenario, visits: Sequence[Visit], service: str, mark: Mark) -> str:
    """What the callers of deliveries count, and what deliveries itself does."""
    after = mark in AFTER_FAULT
    journey, kind = {"gateway": ("track", "static")}.get(service, ("order", "defer"))
    degraded = sum(visit.name == journey and visit.fate.degraded for visit in visits)
    served = degraded if scenario.fallbacks is None else scenario.fallbacks
    if service == "deliveries":
        handled = after * (served - scenario.undelivered)
        return (
            "# TYPE inbox_events_total counter\n"
            f'inbox_events_total{{event="order.courier_wanted",outcome="handled"}} {handled}\n'
            f'inbox_events_total{{event="order.courier_wanted",outcome="duplicate"}} {after * 2_000}\n'
        )
    edge = f"{service}->deliveries"
    lines = [
        "# TYPE process_cpu_seconds_total counter",
        f"process_cpu_seconds_total {4 + 2 * (mark is not Mark.BASELINE_START)}",
        "# TYPE resilience_breaker_transitions_total counter",
        f'resilience_breaker_transitions_total{{edge="{edge}",to="open"}} {1 + after * scenario.breaker_opened}',
        "# TYPE resilience_fallbacks_total counter",
        f'resilience_fallbacks_total{{edge="{edge}",kind="{kind}"}} {after * served}',
    ]
    return "\n".join(lines) + "\n"


def write_store(folder: ArmFolder, scenario: Scenario) -> None:
    folder.system.telemetry.unlink(missing_ok=True)
    with closing(open_for_writing(folder.system.telemetry, 16)) as connection:
        connection.execute("INSERT INTO service (id, name) VALUES (1, 'deliveries')")
        connection.execute(
            "INSERT INTO operation (id, service, name, kind) VALUES (1, 1, 'POST /assignments', 2), (2, 1, 'x', 3)"
        )
        for second in range(round(scenario.marks_s[-1])):
            in_fault = scenario.marks_s[2] <= second < scenario.marks_s[3]
            served = scenario.served_in_fault if in_fault else 47
            start_us = round((scenario.started_at + second) * 1e6)
            chunk = (second + 1, Signal.SPANS, start_us, start_us + served)
            connection.execute("INSERT INTO chunk VALUES (?, ?, 1, 0, ?, ?, 0, 0, x'')", chunk)
            if served:
                same = [1] * served
                rows = SpanRows(same, same, range(start_us, start_us + served), same, [0] * served)
                connection.execute("INSERT INTO span VALUES (?, ?)", (second + 1, rows.pack()))


def _write_cpu(folder: ArmFolder, scenario: Scenario) -> None:
    with folder.cpu.open("w", encoding="utf-8") as file:
        for half_second in range(140):
            busy = round(half_second * scenario.cpu_percent)
            at = scenario.started_at + half_second / 2
            stolen = round(half_second * scenario.stolen_percent)
            file.write(json.dumps({"at": at, "busy": busy, "total": half_second * 100, "stolen": stolen}) + "\n")


def _write_journal(folder: ArmFolder, scenario: Scenario) -> None:
    journal = FakeJournal(folder)
    journal.write(scenario.started_at - 2, "start")
    if scenario.down_s:
        journal.write(scenario.started_at + scenario.down_s[0], "kill")
        journal.write(scenario.started_at + scenario.down_s[1], "start")


class FakeJournal:
    """The keeper's journal of deliveries/1."""

    def __init__(self, folder: ArmFolder) -> None:
        self._path = folder.system.journal
        self._path.write_text("", encoding="utf-8")

    def write(self, at: float, event: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"t": at, "event": event, "instance": "deliveries/1", "pid": 1}) + "\n")
