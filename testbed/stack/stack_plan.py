"""Which programs run beside a system, and how: worked out before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from testbed.control import ProgramStatus
from testbed.ports import HOST, TRACES, listener_of
from testbed.request import SystemRequest
from testbed.stack.alert_files import routes_of, rules_of
from testbed.stack.alertmanager import plan_alertmanager
from testbed.stack.grafana import plan_grafana
from testbed.stack.grafana_files import JAEGER
from testbed.stack.kept_program import Around
from testbed.stack.program_plan import ProgramPlan
from testbed.stack.programs import ALERTMANAGER, GRAFANA, HOW_TO_GET_IT, MISSING, PROMETHEUS, WELL_KNOWN_PORTS
from testbed.stack.prometheus import plan_prometheus
from testbed.stack.stack import Stack


@dataclass(frozen=True)
class StackPlan:
    """What is to run, and what would if it were here."""

    programs: tuple[ProgramPlan, ...] = ()
    missing: tuple[ProgramStatus, ...] = ()

    def stack(self, around: Around) -> Stack:
        """What keeps them."""
        return Stack(self.programs, self.missing, around)


def plan_stack(request: SystemRequest, ports: Mapping[str, int]) -> StackPlan:
    """The plan of all programs that are here; empty when nobody wants one."""
    if request.programs is None:
        return StackPlan()
    missing = [name for name in WELL_KNOWN_PORTS if name not in request.programs]
    planned = [_PLANNERS[name](request, path, ports) for name, path in request.programs.items()]
    return StackPlan(tuple(planned), tuple(ProgramStatus(name=name, state=MISSING, note=HOW_TO_GET_IT[name]) for name in missing))


def _prometheus(request: SystemRequest, program: Path, ports: Mapping[str, int]) -> ProgramPlan:
    return plan_prometheus(
        program,
        ports[PROMETHEUS],
        request.folder.stack / PROMETHEUS,
        targets=request.folder.targets,
        labels={"run": request.run_id, "arm": request.arm},
        rules=partial(rules_of, request.topology_path, request.topology),
        alertmanager_port=ports.get(ALERTMANAGER),
        note=_note(request, PROMETHEUS, ports),
    )


def _alertmanager(request: SystemRequest, program: Path, ports: Mapping[str, int]) -> ProgramPlan:
    return plan_alertmanager(
        program,
        ports[ALERTMANAGER],
        request.folder.stack / ALERTMANAGER,
        configuration=partial(routes_of, request.topology_path, request.topology),
        note=_note(request, ALERTMANAGER, ports),
    )


def _grafana(request: SystemRequest, program: Path, ports: Mapping[str, int]) -> ProgramPlan:
    behind = {PROMETHEUS: PROMETHEUS, JAEGER: TRACES, ALERTMANAGER: ALERTMANAGER}
    addresses = {uid: f"http://{HOST}:{ports[name]}" for uid, name in behind.items() if name in ports}
    folder = request.folder.stack / GRAFANA
    return plan_grafana(program, ports[GRAFANA], folder, addresses=addresses, note=_note(request, GRAFANA, ports))


_PLANNERS: Final = {PROMETHEUS: _prometheus, ALERTMANAGER: _alertmanager, GRAFANA: _grafana}


def _note(request: SystemRequest, name: str, ports: Mapping[str, int]) -> str:
    """Why it is not where people expect it."""
    usual = WELL_KNOWN_PORTS[name]
    if request.free_ports or name in request.ports or ports[name] == usual:
        return ""
    listener = listener_of(usual)
    return f"port {usual} is taken{f' by {listener}' if listener else ''}, so it listens on {ports[name]}"
