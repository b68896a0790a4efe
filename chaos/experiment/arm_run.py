"""One arm: a fresh system, the load, the fault from mark to mark, and what they leave behind; everything stopped at the end."""

from collections.abc import Callable
from contextlib import ExitStack

from chaos.experiment.alert_watch import CALM_S, AlertWatch
from chaos.experiment.arm_plan import PlannedArm
from chaos.experiment.collection import Collector
from chaos.experiment.errors import RunError
from chaos.experiment.facts import PHASES, ArmFacts, FaultFacts, PhaseName
from chaos.experiment.fault_control import Applied, FaultControl
from chaos.experiment.fault_plan import ProcessFaultPlan
from chaos.experiment.folders import write_model
from chaos.experiment.live import LiveRecord
from chaos.experiment.load_process import START_TIMEOUT_S, LoadSchedule, surge_of
from chaos.experiment.machine import CpuSampler
from chaos.experiment.metrics import SCRAPE_LEAD_S, Mark
from chaos.experiment.observer import Observer
from chaos.experiment.rehearsal import BusyWatch
from chaos.experiment.windows import Window, Windows
from chaos.experiment.world import RunningLoad, World
from observability.trace_options import TracePath
from testbed.control import SystemStatus
from testbed.launch import LaunchOptions, Report
from testbed.run import RunFolder

TICK_S = 0.2
START_POLL_S = 0.05
SPANS_LAG_S = 3.0
"""After which the spans of a moment have arrived wherever they are sent."""
DRAIN_S = 25.0
"""How long the last journeys may take after the schedule: their patience for each step, and the record's last lines."""


class ArmRun:
    """Runs one arm once. Whatever ends it, its fault is lifted, its load and its system are stopped before it returns.

    With a `watch`, it ends before its fault on a machine that is too busy.
    """

    def __init__(self, planned: PlannedArm, world: World, observer: Observer, watch: BusyWatch | None = None) -> None:
        experiment = planned.loaded.experiment
        self._planned = planned
        self._world = world
        self._observer = observer
        self._watch = watch
        self._state = planned.folder.root
        self._collector = Collector(planned, world)
        self._alerts = AlertWatch(planned, world)
        self._started_at = 0.0
        source = f"experiment {planned.run_id} {planned.name}"
        self._fault = FaultControl(
            world.target(self._state), experiment.fault, planned.loaded.place, experiment.phases.fault_ms, source
        )
        self._applied: Applied | None = None
        self._launched_at = 0.0
        self._addresses: dict[str, str] = {}
        self._facts: FaultFacts | None = None
        self._live = LiveRecord(planned.folder.requests)

    def run(self) -> None:
        """Runs it.

        Raises:
            RunError: The load or the fault failed.
            ControlError: The system did not start, did not stop, or went away.
            OSError: The disk refused.
            MachineTooBusyError: Its watch found so.
            KeyboardInterrupt: Passed on.
        """
        folder = self._planned.folder
        self._observer.arm_started(self._planned.name)
        with ExitStack() as stack:
            system = self._launch(stack)
            for each in (folder.load, folder.metrics):
                each.mkdir(parents=True, exist_ok=True)
            sampler = stack.enter_context(CpuSampler(folder.cpu))
            load = self._start_load(stack, system)
            self._play(load)
            self._drain(load)
            self._collect()
        if sampler.problem is not None:
            raise sampler.problem
        self._write_facts(complete=True)
        self._observer.arm_ended(self._planned.name)

    def _launch(self, stack: ExitStack) -> SystemStatus:
        planned, plan = self._planned, self._planned.loaded.experiment.arms[self._planned.name]
        options = LaunchOptions(
            state=self._state,
            topology=planned.folder.topology,
            profile=plan.profile,
            without=plan.without,
            free_ports=True,
            seed=planned.seed,
            run_id=planned.run_id,
            arm=planned.name,
            tracing=TracePath.LEAN,  # The same spans; what the instrument takes is not the system's to lose.
            die_with_parent=True,
        )

        def progress(report: Report) -> None:
            self._observer.system_starting(planned.name, report.up, report.total)

        self._launched_at = self._world.now()
        system = self._world.launch(options, progress)
        stack.callback(self._world.stop, self._state)
        self._alerts.attach(system)
        if self._world.elsewhere is not None:
            self._addresses = system.addresses
        return system

    def _start_load(self, stack: ExitStack, system: SystemStatus) -> RunningLoad:
        planned, folder = self._planned, self._planned.folder
        self._started_at = self._world.now()  # Until the load tells better.
        self._write_facts(complete=False)
        schedule = LoadSchedule(
            load=planned.loaded.experiment.load,
            pace=planned.loaded.pace,
            surge=surge_of(planned.loaded),
            host=system.addresses[planned.topology.entry],
            seed=planned.seed,
            run_s=planned.marks_s[-1],
            record=folder.load,
            log=folder.load_log,
            targets=RunFolder(folder.root).targets,
            run=planned.run_id,
            arm=planned.name,
        )
        load = stack.enter_context(self._world.load(schedule))
        self._await_start(load)
        return load

    def _await_start(self, load: RunningLoad) -> None:
        """The load sets the instant from which everything counts, once its customers are signed in."""
        deadline_at = self._world.now() + START_TIMEOUT_S
        while (started_at := load.started_at()) is None:
            load.check()
            if self._world.now() > deadline_at:
                raise RunError(f"the load generator did not start within {START_TIMEOUT_S:g} s")
            self._world.sleep(START_POLL_S)
        self._started_at = started_at
        self._write_facts(complete=False)

    def _play(self, load: RunningLoad) -> None:
        """From the schedule's first instant to its last."""
        start_s, warm_s, struck_s, lift_s, end_s = self._planned.marks_s
        steps: list[tuple[float, Callable[[], None]]] = [
            (start_s, self._phase("warmup")),
            (warm_s, self._phase("baseline")),
            (warm_s, self._scrape(Mark.BASELINE_START)),
            (warm_s, self._begin_watch),
            (struck_s - SCRAPE_LEAD_S, self._end_watch),
            (struck_s - SCRAPE_LEAD_S, self._scrape(Mark.FAULT_START)),
            (struck_s, self._apply),
            (struck_s, self._phase("fault")),
            (struck_s, self._scrape(Mark.FAULT_BEGUN)),
            (min(struck_s + SPANS_LAG_S, lift_s - SPANS_LAG_S), self._keep_served_before),
            (lift_s - SCRAPE_LEAD_S, self._scrape(Mark.FAULT_END)),
            (lift_s - SCRAPE_LEAD_S / 2, self._alerts.note_routed),
            (lift_s - SCRAPE_LEAD_S / 4, self._fault.note_alive),
            (lift_s, self._lift),
            (lift_s, self._phase("recovery")),
            (min(lift_s + SPANS_LAG_S, end_s), self._keep_served_during),
            (end_s, self._scrape(Mark.RECOVERY_END)),
            (end_s, self._keep_alerts),
        ]
        for instant_s, step in steps:
            self._wait_until(instant_s, load)
            step()

    def _wait_until(self, instant_s: float, load: RunningLoad) -> None:
        while (left_s := instant_s - self._now_s()) > 0:
            load.check()
            self._tick()
            if left_s > CALM_S:
                self._tell_of_alerts()
            self._world.sleep(min(TICK_S, left_s))

    def _drain(self, load: RunningLoad) -> None:
        deadline_s = self._now_s() + DRAIN_S
        while not load.has_ended():
            if self._now_s() > deadline_s:
                raise RunError(f"the load generator did not end within {DRAIN_S:g} s after its schedule")
            self._tick()
            self._world.sleep(TICK_S)

    def _phase(self, phase: PhaseName) -> Callable[[], None]:
        end_s = self._planned.marks_s[PHASES.index(phase) + 1]
        return lambda: self._observer.phase_started(self._planned.name, phase, end_s)

    def _scrape(self, mark: Mark) -> Callable[[], None]:
        return lambda: self._collector.keep_metrics(mark)

    def _begin_watch(self) -> None:
        if self._watch is not None:
            self._watch.begin(self._live.succeeded)

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.end(self._live.succeeded)

    def _keep_served_before(self) -> None:
        self._keep_served(lambda windows: windows.baseline)

    def _keep_served_during(self) -> None:
        self._keep_served(lambda windows: windows.fault)

    def _keep_served(self, pick: Callable[[Windows], Window]) -> None:
        if self._facts is not None and isinstance(self._planned.loaded.experiment.fault, ProcessFaultPlan):
            lifted_s = self._facts.lifted_s or self._planned.marks_s[3]
            windows = Windows.of(self._planned.marks_s, self._facts.applied_s, lifted_s)
            self._collector.keep_served(pick(windows), self._started_at)

    def _keep_alerts(self) -> None:
        self._alerts.keep(self._started_at)

    def _tell_of_alerts(self) -> None:
        for news in self._alerts.news():
            self._observer.event(self._planned.name, news)

    def _apply(self) -> None:
        self._applied = self._fault.apply()
        self._facts = FaultFacts(applied_s=self._now_s(), leases=self._applied.leases, targets=self._applied.instances)
        self._write_facts(complete=False)
        where = f" in {', '.join(self._applied.instances)}" if self._applied.instances else ""
        self._observer.event(self._planned.name, f"{self._planned.loaded.experiment.fault} is in force{where}")

    def _lift(self) -> None:
        if self._facts is None or self._applied is None:
            return
        self._fault.lift()
        lifted_s = self._now_s()
        counts = self._fault.counts(self._applied)
        self._facts = self._facts.model_copy(update={"lifted_s": lifted_s, "counts": counts})
        self._observer.event(self._planned.name, f"{self._planned.loaded.experiment.fault} is lifted")

    def _collect(self) -> None:
        """Gives the system time to catch up, and keeps what only a running system can tell."""
        if self._facts is not None and self._facts.lifted_s is not None:  # A store may keep only the newest traces: first.
            self._collector.keep_trace(Windows.of(self._planned.marks_s, self._facts.applied_s, self._facts.lifted_s).fault)
        self._observer.event(self._planned.name, "reading the books of orders and deliveries")
        self._collector.keep_books()
        self._collector.keep_metrics(Mark.SETTLED)
        self._collector.keep_journal(self._launched_at)

    def _tick(self) -> None:
        now_s = self._now_s()
        self._observer.tick(self._planned.name, now_s, self._live.recent(now_s))

    def _now_s(self) -> float:
        return self._world.now() - self._started_at

    def _write_facts(self, *, complete: bool) -> None:
        planned = self._planned
        facts = ArmFacts(
            name=planned.name,
            started_at=self._started_at,
            marks_s=planned.marks_s,
            fault=self._facts,
            complete=complete,
            addresses=self._addresses,
        )
        write_model(planned.folder.facts, facts)
