"""Arms that never ran: everything that a run leaves in an arm's folder, made up from a scenario."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from io import StringIO
from pathlib import Path
from random import Random

import pytest
from rich.console import Console

from chaos.experiment.errors import RunError
from chaos.experiment.evidence import ArmEvidence
from chaos.experiment.experiment_file import LoadedExperiment, find_experiment, load_experiment
from chaos.experiment.facts import ArmFacts, FaultFacts, LeaseCount
from chaos.experiment.folders import ArmFolder, write_model
from chaos.experiment.load_process import LoadSchedule
from chaos.experiment.metrics import Mark
from chaos.experiment.result import ArmResult
from chaos.experiment.verdict import judge_arm
from chaos.experiment.world import World
from chaos.faults import AnyFault, Hang
from chaos.http_get import FetchError
from chaos.inject.messages import LeaseView
from chaos.invariants.books import Books
from chaos.invariants.reading import KEEPERS
from chaos.invariants.rows import (
    CourierRow,
    DeliveryRow,
    Entry,
    InboxRow,
    Line,
    NotificationRow,
    OrderRow,
    OutboxRow,
    PaymentRow,
    PopularRow,
    ReservationRow,
    Row,
    StockRow,
    TransactionRow,
)
from chaos.targets.errors import TargetError
from chaos.targets.place import Place
from chaos.targets.target import Healing, PlacedLease, Survey
from observability.store.schema import open_for_writing
from services.policy import Profile
from services.registry import Instance, InstanceState
from testbed.control import ControlError, NotRunningError, ProcessLease, SystemStatus
from testbed.launch import LaunchOptions, Report
from testbed.run import Secrets

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
    failure: int = 503
    """Status, where it is not ok."""


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
    undelivered: float = 0.0
    without_courier: int = 0
    with_books: bool = True
    counts: tuple[LeaseCount, ...] = ()
    arm_complete: bool = True


@dataclass(frozen=True)
class Bench:
    """Writes arms and judges them."""

    folder: Path
    loaded: LoadedExperiment

    def load(self, path: Path) -> LoadedExperiment:
        return load_experiment(path)

    def write(self, scenario: Scenario) -> ArmFolder:
        return write_arm(ArmFolder(self.folder / scenario.arm), scenario)

    def evidence(self, scenario: Scenario) -> ArmEvidence:
        return ArmEvidence.read(self.write(scenario), self.loaded.place)

    def judge(self, scenario: Scenario) -> ArmResult:
        return judge_arm(self.evidence(scenario), self.loaded, seed=1)


def write_arm(folder: ArmFolder, scenario: Scenario) -> ArmFolder:
    for each in (folder.load, folder.metrics, folder.system.logs):
        each.mkdir(parents=True, exist_ok=True)
    visits = _visits(scenario)
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


@dataclass(frozen=True)
class _Visit:
    name: str
    number: int
    instant_s: float
    fate: Fate


@cache
def _visits(scenario: Scenario) -> tuple[_Visit, ...]:
    random = Random(scenario.seed)
    found: list[_Visit] = []
    for name, rate in RATES.items():
        instant_s = 0.0
        while (instant_s := instant_s + random.expovariate(rate)) < scenario.marks_s[-1]:
            fate = scenario.fate(name, instant_s, random)
            if random.random() < scenario.thinned:
                found.append(_Visit(name, len(found), instant_s, fate))
    return tuple(found)


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
                    "done": end_s, "status": 201 if fate.ok else fate.failure, "outcome": "ok" if fate.ok else "failed",
                    "degraded": fate.degraded and position == 0, "trace_id": f"{visit.number:030x}{position:02x}",
                    "last": position == len(steps) - 1 or not fate.ok,
                }  # fmt: skip
                file.write(json.dumps(line) + "\n")
                begin_s = end_s
                if not fate.ok:
                    break


def _write_load_summary(folder: ArmFolder, scenario: Scenario, visits: Sequence[_Visit]) -> None:
    counts = {name: sum(visit.name == name for visit in visits) for name in RATES}
    summary = {
        "started_unix": scenario.started_at, "seed": 1, "plan": {}, "arrivals": len(visits), "intended": counts, "sent": counts,
        "completed": counts, "failed": {}, "abandoned": {}, "late": {}, "skipped": {"track": 2},
        "dropped": {"order": scenario.dropped}, "complete": scenario.complete,
        "lateness_ms": {"p50": 0.2, "p99": scenario.lateness_p99_ms, "max": 5.0, "count": 1},
        "problem": None if scenario.complete else "the disk was full",
    }  # fmt: skip
    folder.load_summary.write_text(json.dumps(summary), encoding="utf-8")


def metrics_text(scenario: Scenario, visits: Sequence[_Visit], service: str, mark: Mark) -> str:
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
            for position in range(scenario.served_in_fault if in_fault else 47):
                start_us = round((scenario.started_at + second) * 1e6) + position
                values = (second << 18 | position, 1, start_us)
                connection.execute("INSERT INTO span VALUES (?, 1, ?, ?, 5, 0)", values)


PRICE_CENTS, DISH, COURIER = 1_000, 101, 7


def books(scenario: Scenario) -> Books:
    """Of orders for one portion of one dish each, all brought by one courier."""
    placed = [visit for visit in _visits(scenario) if visit.name == "order" and visit.fate.ok]
    orders = tuple(
        OrderRow(
            id=f"{v.number}", customer_id=v.number, status="confirmed", saga_state="done", total_cents=PRICE_CENTS,
            lines=((DISH, 1),), deferred=v.fate.degraded, created_at=scenario.started_at + v.instant_s,
        )
        for v in placed
    )  # fmt: skip
    names = [order.id for order in orders]
    couriers = tuple(
        DeliveryRow(order_id=name, courier_id=COURIER, state="assigned") for name in names[scenario.without_courier :]
    )
    kind, consumers = "order.accepted", ("notifications", "restaurants")
    steps = (("authorise", "holds", "customer:1"), ("capture", "merchant", "holds"))
    inbox = tuple(InboxRow(event_id=f"e{name}", type=kind, key=name, state="handled") for name in names)
    return Books(
        read_at=scenario.started_at + scenario.marks_s[-1],
        first_orders=orders,
        orders=orders,
        payments=tuple(PaymentRow(order_id=name, amount_cents=PRICE_CENTS, state="captured") for name in names),
        ledger=tuple(
            TransactionRow(
                id=f"{name} {step}", order_id=name, kind=step,
                entries=(Entry(account=debited, amount_cents=PRICE_CENTS), Entry(account=credited, amount_cents=-PRICE_CENTS)),
            )
            for name in names
            for step, debited, credited in steps
        ),
        reservations=tuple(
            ReservationRow(order_id=name, state="reserved", lines=(Line(dish_id=DISH, quantity=1),)) for name in names
        ),
        stock=(StockRow(dish_id=DISH, initial=10_000, left=10_000 - len(names)),),
        popular=(PopularRow(dish_id=DISH, ordered=len(names)),),
        first_deliveries=couriers,
        deliveries=couriers,
        couriers=(CourierRow(courier_id=COURIER, assigned=len(couriers)),),
        notifications=tuple(NotificationRow(event_id=f"e{n}", order_id=n, customer_id=int(n)) for n in names),
        outbox={
            "orders": tuple(
                OutboxRow(event_id=f"e{name}", destination=each, type=kind, key=name, sent=True)
                for name in names
                for each in consumers
            )
        },
        inbox=dict.fromkeys(consumers, inbox),
        consumers={kind: consumers},
    )  # fmt: skip


def table_of(book: Books, service: str, table: str) -> Sequence[Row]:
    """What a service's audit tells."""
    tables: dict[tuple[str, str], Sequence[Row]] = {
        ("orders", ""): book.orders,
        ("payments", ""): book.payments,
        ("payments", "ledger"): book.ledger,
        ("restaurants", ""): book.reservations,
        ("restaurants", "stock"): book.stock,
        ("restaurants", "popular"): book.popular,
        ("deliveries", ""): book.deliveries,
        ("deliveries", "couriers"): book.couriers,
        ("notifications", ""): book.notifications,
    }
    if table in ("outbox", "inbox"):
        return (book.outbox if table == "outbox" else book.inbox).get(service, ())
    return tables[service, table]


_books = cache(books)


@cache
def page_of(scenario: Scenario, service: str, table: str) -> bytes:
    """The same on the wire, all on one page."""
    rows = table_of(_books(scenario), service, table)
    return json.dumps({"rows": [row.model_dump() for row in rows], "next": None}).encode()


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


START_LEAD_S = 2.0
"""From the load's start to its second 0; halfway it tells."""


@dataclass
class FakeWorld:
    """Systems, faults, load and time without processes: a protected system behaves as `degrading`, any other as `failing`."""

    screen: StringIO = field(default_factory=StringIO)
    breaker_opened: float = 3.0
    without_courier: int = 0
    courier_after_asks: int = 0
    launched: list[LaunchOptions] = field(default_factory=list)
    schedules: list[LoadSchedule] = field(default_factory=list)
    running: list[Path] = field(default_factory=list)
    loads_running: int = 0
    faults: list[str] = field(default_factory=list)
    lease_ms: list[float] = field(default_factory=list)
    launch_error: BaseException | None = None
    now: float = STARTED_AT
    _scenario: Scenario = field(default_factory=Scenario)
    _folder: ArmFolder = field(default_factory=lambda: ArmFolder(Path()))
    _alarms: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    _refusal: TargetError | None = None
    _load_ends_s: float = float("inf")
    _gone: bool = False
    _asks: int = 0
    _hit: bool = False
    """Whether the fault has been in force in this arm."""

    def world(self) -> World:
        return World(
            launch=self._launch,
            stop=self._stop,
            status=self._status,
            target=lambda _state: self,
            load=self._load,
            get=self._get,
            scrape=self._get,
            now=lambda: self.now,
            sleep=self._sleep,
        )

    def printed(self) -> str:
        return self.screen.getvalue()

    def interrupt_at(self, instant_s: float, what: Callable[[], object]) -> None:
        """Raises (an exception class) or calls `what` when that second of the first schedule is slept through."""
        self._alarms.append((instant_s, what))

    def end_load_at(self, instant_s: float) -> None:
        self._load_ends_s = instant_s

    def refuse(self, error: TargetError) -> None:
        self._refusal = error

    def fail_status(self) -> None:
        self._gone = True

    def fail_launch(self, reason: str) -> None:
        self.launch_error = ControlError(reason)

    def _launch(self, options: LaunchOptions, progress: Callable[[Report], None]) -> SystemStatus:
        if self.launch_error is not None:
            raise self.launch_error
        self.launched.append(options)
        self.running.append(options.state)
        self._folder, self._asks, self._hit = ArmFolder(options.state), 0, False
        self._folder.system.create()
        self._folder.system.write_secrets(Secrets.generate())
        self._journal = FakeJournal(self._folder)
        self._scenario = Scenario(arm=options.arm, without_courier=self.without_courier)
        if options.profile is Profile.NONE:
            self._scenario = replace(self._scenario, fate=failing, fallbacks=0, without_courier=0)
        self._scenario = replace(self._scenario, breaker_opened=self.breaker_opened)
        progress(Report(up=10, total=10))
        return self._status(options.state)

    def _stop(self, state: Path) -> None:
        self.running.remove(state)
        self.faults.clear()
        write_store(self._folder, self._scenario)

    def _status(self, _state: Path) -> SystemStatus:
        if self._gone:
            raise NotRunningError("no testbed runs in there")
        names = ("gateway", *KEEPERS, "telemetry")
        return SystemStatus(
            run_id="x", phase="ready", profile="x", topology="x", started_at=0.0, supervisor_pid=1, otlp_endpoint="",
            instances=tuple(
                Instance(service=name, replica=1, host=name, port=1, pid=1, state=InstanceState.UP) for name in names
            ),
            addresses={"gateway": "http://gateway:1", "traces": "http://telemetry:1"},
        )  # fmt: skip

    @contextmanager
    def _load(self, schedule: LoadSchedule) -> Iterator["FakeWorld"]:
        self.schedules.append(schedule)
        started_at, marks_s = self.now + START_LEAD_S, _marks(self._folder)
        self._scenario = replace(self._scenario, started_at=started_at, seed=schedule.seed, marks_s=marks_s)
        self.loads_running += 1
        try:
            yield self
        finally:
            self.loads_running -= 1

    def started_at(self) -> float | None:
        return self._scenario.started_at if self._now_s() >= -START_LEAD_S / 2 else None

    def check(self) -> None:
        if self._now_s() >= self._load_ends_s:
            raise RunError("the load generator ended early, with exit code 1")

    def has_ended(self) -> bool:
        if self._now_s() < self._scenario.marks_s[-1] + 2:
            return False
        write_load(self._folder, self._scenario)
        return True

    def _sleep(self, duration_s: float) -> None:
        self.now += duration_s
        for alarm in list(self._alarms):
            if self._now_s() >= alarm[0]:
                self._alarms.remove(alarm)
                if isinstance(alarm[1], type) and issubclass(alarm[1], BaseException):
                    raise alarm[1]
                alarm[1]()

    def _now_s(self) -> float:
        return self.now - self._scenario.started_at

    def _get(self, url: str, _headers: Mapping[str, str]) -> bytes:
        host, path = url.split("/")[2].partition(":")[0], url.partition(":1")[2]
        if path == "/metrics":
            return (
                metrics_text(
                    self._scenario, _visits(self._scenario), host, Mark.FAULT_END if self._hit else Mark.BASELINE_START
                ).encode()
                if host in ("orders", "gateway", "deliveries")
                else b""
            )
        if path.startswith("/internal/audit"):
            return self._page(host, path.partition("?")[0].removeprefix("/internal/audit").lstrip("/"))
        raise FetchError(f"GET {url}: status 404")

    def _page(self, service: str, table: str) -> bytes:
        self._asks += 1
        late = self.courier_after_asks and self._asks < self.courier_after_asks
        return page_of(replace(self._scenario, without_courier=1) if late else self._scenario, service, table)

    def disturb(self, place: Place, kind: str, *, lease_ms: float, source: str = "") -> tuple[ProcessLease, ...]:
        self._begin(kind, lease_ms)
        self._journal.write(self.now, kind)
        return (
            ProcessLease(id="kill-1", kind="kill", instance="deliveries/1", granted_at=0, remaining_ms=lease_ms, source=source),
        )

    def inject(
        self, place: Place, fault: AnyFault, *, lease_ms: float, rate: float = 1.0, source: str = ""
    ) -> tuple[PlacedLease, ...]:
        self._begin(str(fault), lease_ms)
        return (self._lease(fault),)

    def _begin(self, what: str, lease_ms: float) -> None:
        if self._refusal is not None:
            raise self._refusal
        self._hit = True
        self.faults.append(what)
        self.lease_ms.append(lease_ms)

    def heal(self, place: Place | None = None) -> Healing:
        self.faults.clear()
        self._journal.write(self.now, "start")
        return Healing(1)

    def survey(self) -> Survey:
        placed = (self._lease(Hang()),)
        alive = bool(self.faults)
        return Survey(self._status(self._folder.root), placed if alive else (), () if alive else placed)

    def _lease(self, fault: AnyFault) -> PlacedLease:
        return PlacedLease("deliveries/1", LeaseView(id="abc", fault=fault, rate=1, remaining_ms=1, seen=900, injected=900))


def _marks(folder: ArmFolder) -> tuple[float, float, float, float, float]:
    marks = json.loads(folder.facts.read_text(encoding="utf-8"))["marks_s"]
    return (marks[0], marks[1], marks[2], marks[3], marks[4])


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


@pytest.fixture
def console(world: FakeWorld) -> Console:
    return Console(file=world.screen, width=160, force_terminal=False)


@pytest.fixture
def terminal(world: FakeWorld) -> Console:
    return Console(file=world.screen, width=160, height=60, force_terminal=True, color_system=None)
