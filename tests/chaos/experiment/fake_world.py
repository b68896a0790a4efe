"""A world without processes, in which an experiment runs in no time."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path

from chaos.experiment.errors import RunError
from chaos.experiment.folders import ArmFolder
from chaos.experiment.load_process import LoadSchedule
from chaos.experiment.machine import TICKS_A_SECOND, CpuSample
from chaos.experiment.metrics import Mark
from chaos.experiment.world import World
from chaos.faults import AnyFault, Hang
from chaos.http_get import FetchError
from chaos.inject.messages import LeaseView
from chaos.invariants.reading import KEEPERS
from chaos.targets.errors import TargetError
from chaos.targets.local import LocalSystem
from chaos.targets.place import Place
from chaos.targets.target import Healing, PlacedLease, Survey
from services.policy import Profile
from services.registry import Instance, InstanceState
from testbed.control import ControlError, NotRunningError, ProcessLease, SystemStatus
from testbed.launch import LaunchOptions, Report
from testbed.run import Secrets
from tests.chaos.experiment.arms import FakeJournal, metrics_text, write_load, write_store
from tests.chaos.experiment.bookkeeping import page_of
from tests.chaos.experiment.scenarios import STARTED_AT, Scenario, failing, visits_of

START_LEAD_S = 2.0
"""From the load's start to its second 0; halfway it tells."""


class FakeSystem(LocalSystem):
    """Says what its world says, and has the tokens of an arm's folder."""

    def __init__(self, world: "FakeWorld", state: Path) -> None:
        super().__init__(state)
        self._world = world

    def status(self) -> SystemStatus:
        return self._world.status()


@dataclass
class FakeWorld:
    """Systems, faults, load and time without processes: a protected system behaves as `degrading`, any other as `failing`."""

    screen: StringIO = field(default_factory=StringIO)
    breaker_opened: float = 3.0
    without_courier: int = 0
    courier_after_asks: int = 0
    paged_s: tuple[float, float] | None = None
    """When deliveries pages, by a Prometheus that there is only then."""
    launched: list[LaunchOptions] = field(default_factory=list)
    schedules: list[LoadSchedule] = field(default_factory=list)
    running: list[Path] = field(default_factory=list)
    loads_running: int = 0
    faults: list[str] = field(default_factory=list)
    lease_ms: list[float] = field(default_factory=list)
    launch_error: BaseException | None = None
    cpu_percent: float = 50.0
    """How busy the machine is with the load at pace 1 ..."""
    cpu_at_rest_percent: float = 0.0
    """... and without any; what it is busy with between the two grows with the pace."""
    cpu_percents: tuple[float, ...] = ()
    """How busy it is with each load that is played, instead; the last also with all that follow."""
    now: float = STARTED_AT
    _scenario: Scenario = field(default_factory=Scenario)
    folder: ArmFolder = field(default_factory=lambda: ArmFolder(Path()))
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
            system=lambda state: FakeSystem(self, state),
            target=lambda _state: self,
            load=self._load,
            get=self._get,
            scrape=self._get,
            now=lambda: self.now,
            sleep=self._sleep,
            cpu=self._cpu,
        )

    def _cpu(self) -> CpuSample:
        pace, resting = self.schedules[-1].pace if self.schedules else 1.0, self.cpu_at_rest_percent
        busy_percent = min(100.0, resting + pace * (self.cpu_percent - resting))
        if self.cpu_percents:
            busy_percent = self.cpu_percents[min(max(1, len(self.schedules)), len(self.cpu_percents)) - 1]
        ticks = round(self.now * TICKS_A_SECOND)
        return CpuSample(at=self.now, busy=round(ticks * busy_percent / 100), total=ticks)

    def printed(self) -> str:
        return self.screen.getvalue()

    def interrupt_at(self, instant_s: float, what: Callable[[], object]) -> None:
        """Raises (an exception class) or calls `what` when that second of the first schedule is slept through."""
        self._alarms.append((instant_s, what))

    def serve_at(self, instant_s: float) -> None:
        """From that second of the first schedule on, its record tells of everybody."""
        self._alarms.append((instant_s, lambda: write_load(self.folder, self._scenario)))

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
        self.folder, self._asks, self._hit = ArmFolder(options.state), 0, False
        self.folder.system.create()
        self.folder.system.write_secrets(Secrets.generate())
        self._journal = FakeJournal(self.folder)
        self._scenario = Scenario(arm=options.arm, without_courier=self.without_courier)
        if options.profile is Profile.NONE:
            self._scenario = replace(self._scenario, fate=failing, fallbacks=0, without_courier=0)
        self._scenario = replace(self._scenario, breaker_opened=self.breaker_opened)
        progress(Report(up=10, total=10))
        return self.status()

    def _stop(self, state: Path) -> None:
        self.running.remove(state)
        self.faults.clear()
        write_store(self.folder, self._scenario)

    def status(self) -> SystemStatus:
        if self._gone:
            raise NotRunningError("no testbed runs in there")
        names = ("gateway", *KEEPERS, "telemetry")
        return SystemStatus(
            run_id="x", phase="ready", profile="x", topology="x", started_at=0.0, supervisor_pid=1, otlp_endpoint="",
            instances=tuple(
                Instance(service=name, replica=1, host=name, port=1, pid=1, state=InstanceState.UP) for name in names
            ),
            addresses={"gateway": "http://gateway:1", "traces": "http://telemetry:1"} | self._stack(),
        )  # fmt: skip

    def _stack(self) -> dict[str, str]:
        return {name: f"http://{name}:1" for name in ("prometheus", "alertmanager")} if self.paged_s else {}

    @contextmanager
    def _load(self, schedule: LoadSchedule) -> Iterator["FakeWorld"]:
        self.schedules.append(schedule)
        started_at, marks_s = self.now + START_LEAD_S, _marks(self.folder)
        self._scenario = replace(self._scenario, started_at=started_at, seed=schedule.seed, marks_s=marks_s, pace=schedule.pace)
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
        write_load(self.folder, self._scenario)
        return True

    def _sleep(self, duration_s: float) -> None:
        self.now = max(self.now + duration_s, math.nextafter(self.now, math.inf))  # Time passes, however short the sleep.
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
                    self._scenario, visits_of(self._scenario), host, Mark.FAULT_END if self._hit else Mark.BASELINE_START
                ).encode()
                if host in ("orders", "gateway", "deliveries")
                else b""
            )
        if host in self._stack():
            return self._alerts(path).encode()
        if path.startswith("/internal/audit"):
            return self._page(host, path.partition("?")[0].removeprefix("/internal/audit").lstrip("/"))
        raise FetchError(f"GET {url}: status 404")

    def _alerts(self, path: str) -> str:
        """What Prometheus and Alertmanager answer at this moment."""
        labels = {"alertname": "ServiceBurnsErrorBudget", "severity": "page", "service": "deliveries", "kind": "availability"}
        began_s, over_s = self.paged_s or (0.0, 0.0)
        stands = began_s <= self._now_s() < over_s
        if path.startswith("/api/v2/alerts"):
            return json.dumps([{"labels": labels, "status": {"state": "active"}}] if stands else [])
        if path.startswith("/api/v1/alerts"):
            return json.dumps({"data": {"alerts": [{"labels": labels, "state": "firing"}] if stands else []}})
        until_s = min(over_s, self._now_s())
        values = [[self._scenario.started_at + began_s + second, "1"] for second in range(int(until_s - began_s))]
        return json.dumps({"data": {"result": [{"metric": labels | {"alertstate": "firing"}, "values": values}]}})

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

    def survey(self, *, processes: bool = True) -> Survey:
        placed = (self._lease(Hang()),)
        alive = bool(self.faults)
        return Survey(self.status(), placed if alive else (), () if alive else placed)

    def _lease(self, fault: AnyFault) -> PlacedLease:
        return PlacedLease("deliveries/1", LeaseView(id="abc", fault=fault, rate=1, remaining_ms=1, seen=900, injected=900))


def _marks(folder: ArmFolder) -> tuple[float, float, float, float, float]:
    marks = json.loads(folder.facts.read_text(encoding="utf-8"))["marks_s"]
    return (marks[0], marks[1], marks[2], marks[3], marks[4])
