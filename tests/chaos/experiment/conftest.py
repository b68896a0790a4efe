"""Arms that never ran: everything that a run leaves in an arm's folder, made up from a scenario."""

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest

from chaos.experiment.evidence import ArmEvidence
from chaos.experiment.experiment_file import LoadedExperiment, find_experiment, load_experiment
from chaos.experiment.facts import ArmFacts, FaultFacts, LeaseCount
from chaos.experiment.folders import ArmFolder, write_model
from chaos.experiment.metrics import Mark
from chaos.experiment.result import ArmResult
from chaos.experiment.verdict import judge_arm
from chaos.invariants.audit import Audit, DeliveryRow, OrderRow
from observability.store.schema import open_for_writing

STARTED_AT = 1_795_000_000.0
RATES = {"browse": 25, "order": 25, "track": 22, "sign_in": 2}
MARKS = (0.0, 5.0, 25.0, 45.0, 60.0)
STEPS = {"browse": ("list", "menu"), "order": ("place", "read_back"), "track": ("track",), "sign_in": ("sign_in",)}
BACK_AFTER_S = 4.0
AFTER_FAULT = (Mark.FAULT_END, Mark.RECOVERY_END, Mark.SETTLED)


@dataclass(frozen=True)
class Fate:
    """What becomes of one journey."""

    ok: bool = True
    degraded: bool = False
    elapsed_ms: float = 20.0


def healthy(_name: str, _instant_s: float, random: Random) -> Fate:
    return Fate(elapsed_ms=10 + random.expovariate(0.1))


def degrading(name: str, instant_s: float, random: Random) -> Fate:
    """The declared arm: orders deferred and tracking static while deliveries is dead, and until the breakers close."""
    hit = name in ("order", "track") and 25 <= instant_s < 45 + BACK_AFTER_S
    return replace(healthy(name, instant_s, random), degraded=hit)


def failing(name: str, instant_s: float, random: Random) -> Fate:
    """The arm `none`: whatever needs deliveries fails while it is dead."""
    return replace(healthy(name, instant_s, random), ok=not (name in ("order", "track") and 25 <= instant_s < 45))


@dataclass(frozen=True)
class Scenario:
    """What happened in an arm. The defaults are a protected system in an outage of deliveries."""

    arm: str = "declared"
    started_at: float = STARTED_AT
    marks_s: tuple[float, float, float, float, float] = MARKS
    fate: Callable[[str, float, Random], Fate] = degrading
    seed: int = 5
    thinned: float = 1.0
    """Share of arrivals that are kept."""
    down_s: tuple[float, float] | None = (25.02, 45.05)
    served_in_fault: int = 0
    cpu_percent: float = 50.0
    lateness_p99_ms: float = 0.9
    dropped: int = 0
    complete: bool = True
    breaker_opened: float = 3.0
    fallbacks: float | None = None
    """None: as many as there were degraded journeys."""
    outbox_waiting: float = 0.0
    without_courier: int = 0
    with_audit: bool = True
    counts: tuple[LeaseCount, ...] = ()
    arm_complete: bool = True


@dataclass(frozen=True)
class Bench:
    """Writes arms and judges them."""

    folder: Path
    loaded: LoadedExperiment
    overrides: Mapping[str, object] = field(default_factory=dict)

    def write(self, scenario: Scenario) -> ArmFolder:
        return write_arm(ArmFolder(self.folder / scenario.arm), scenario)

    def evidence(self, scenario: Scenario) -> ArmEvidence:
        return ArmEvidence.read(self.write(scenario), self.loaded.place)

    def judge(self, scenario: Scenario) -> ArmResult:
        return judge_arm(self.evidence(scenario), self.loaded.experiment, self.loaded.place, seed=1)


def write_arm(folder: ArmFolder, scenario: Scenario) -> ArmFolder:
    for each in (folder.load, folder.metrics, folder.system.logs):
        each.mkdir(parents=True, exist_ok=True)
    visits = _visits(scenario)
    write_load(folder, scenario)
    for mark in Mark:
        (folder.metrics / mark).mkdir(exist_ok=True)
        for caller in ("orders", "gateway"):
            text = metrics_text(scenario, visits, caller, after=mark in AFTER_FAULT)
            (folder.metrics / mark / f"{caller}-1.txt").write_text(text, encoding="utf-8")
    write_store(folder, scenario)
    if scenario.with_audit:
        write_model(folder.audit, books(scenario))
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


@dataclass(frozen=True)
class _Visit:
    name: str
    number: int
    instant_s: float
    fate: Fate


def _visits(scenario: Scenario) -> list[_Visit]:
    random = Random(scenario.seed)
    found: list[_Visit] = []
    for name, rate in RATES.items():
        instant_s = 0.0
        while (instant_s := instant_s + random.expovariate(rate)) < scenario.marks_s[-1]:
            fate = scenario.fate(name, instant_s, random)
            if random.random() < scenario.thinned:
                found.append(_Visit(name, len(found), instant_s, fate))
    return found


def write_load(folder: ArmFolder, scenario: Scenario) -> None:
    visits = _visits(scenario)
    _write_load_summary(folder, scenario, visits)
    with folder.requests.open("w", encoding="utf-8") as file:
        for visit in visits:
            steps, fate, begin_s = STEPS[visit.name], visit.fate, visit.instant_s
            for position, step in enumerate(steps):
                end_s = begin_s + fate.elapsed_ms / 1_000 / len(steps)
                line = {
                    "journey": visit.name, "id": f"0-{visit.number}", "step": step, "intended": begin_s, "sent": begin_s,
                    "done": end_s, "status": 201 if fate.ok else 503, "outcome": "ok" if fate.ok else "failed",
                    "degraded": fate.degraded and position == 0, "trace_id": f"{visit.number:030x}{position:02x}",
                    "last": position == len(steps) - 1 or not fate.ok,
                }  # fmt: skip
                file.write(json.dumps(line) + "\n")
                begin_s = end_s
                if not fate.ok:
                    break


def _write_load_summary(folder: ArmFolder, scenario: Scenario, visits: list[_Visit]) -> None:
    counts = {name: sum(visit.name == name for visit in visits) for name in RATES}
    summary = {
        "started_unix": scenario.started_at, "seed": 1, "plan": {}, "arrivals": len(visits), "intended": counts, "sent": counts,
        "completed": counts, "failed": {}, "abandoned": {}, "late": {}, "skipped": {"track": 2},
        "dropped": {"order": scenario.dropped}, "complete": scenario.complete,
        "lateness_ms": {"p50": 0.2, "p99": scenario.lateness_p99_ms, "max": 5.0, "count": 1},
        "problem": None if scenario.complete else "the disk was full",
    }  # fmt: skip
    folder.load_summary.write_text(json.dumps(summary), encoding="utf-8")


def metrics_text(scenario: Scenario, visits: list[_Visit], caller: str, *, after: bool) -> str:
    journey, kind = {"orders": ("order", "defer"), "gateway": ("track", "static")}[caller]
    degraded = sum(visit.name == journey and visit.fate.degraded for visit in visits)
    served = degraded if scenario.fallbacks is None else scenario.fallbacks
    edge = f"{caller}->deliveries"
    lines = [
        "# TYPE resilience_breaker_transitions_total counter",
        f'resilience_breaker_transitions_total{{edge="{edge}",to="open"}} {1 + after * scenario.breaker_opened}',
        "# TYPE resilience_fallbacks_total counter",
        f'resilience_fallbacks_total{{edge="{edge}",kind="{kind}"}} {after * served}',
        "# TYPE outbox_delivered_total counter",
        f'outbox_delivered_total{{topic="deliveries.assign"}} {100 + after * served - scenario.outbox_waiting}',
        f'outbox_delivered_total{{topic="notifications.tell"}} {100 + after * 2_000}',
        "# TYPE outbox_pending gauge",
        f"outbox_pending {scenario.outbox_waiting}",
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
            for position in range(scenario.served_in_fault if in_fault else 47):
                start_us = round((scenario.started_at + second) * 1e6) + position
                values = (second << 18 | position, 1, start_us)
                connection.execute("INSERT INTO span VALUES (?, 1, ?, ?, 5, 0)", values)


def books(scenario: Scenario) -> Audit:
    placed = [visit for visit in _visits(scenario) if visit.name == "order" and visit.fate.ok]
    orders = tuple(
        OrderRow(id=f"{v.number}", status="confirmed", created_at=scenario.started_at + v.instant_s, deferred=v.fate.degraded)
        for v in placed
    )
    couriers = tuple(
        DeliveryRow(order_id=order.id, courier_id=7, state="assigned") for order in orders[scenario.without_courier :]
    )
    return Audit(orders=orders, deliveries=couriers)


def _write_cpu(folder: ArmFolder, scenario: Scenario) -> None:
    with folder.cpu.open("w", encoding="utf-8") as file:
        for half_second in range(140):
            busy = round(half_second * scenario.cpu_percent)
            at = scenario.started_at + half_second / 2
            file.write(json.dumps({"at": at, "busy": busy, "total": half_second * 100}) + "\n")


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


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """The outage of deliveries as shipped."""
    return Bench(tmp_path, load_experiment(find_experiment("delivery-outage")))


@pytest.fixture
def protected() -> Scenario:
    return Scenario()


@pytest.fixture
def unprotected() -> Scenario:
    return Scenario(arm="none", fate=failing, breaker_opened=0, fallbacks=0)
