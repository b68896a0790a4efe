"""Everything outside that an arm's run touches, in one place, so that a test can be another world."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from chaos.experiment.load_process import LoadProcess, LoadSchedule
from chaos.experiment.machine import CpuSample, read_cpu
from chaos.http_get import Get, http_get
from chaos.targets.local import LocalSystem, LocalTarget
from chaos.targets.system import System
from chaos.targets.target import Target
from testbed.control import SystemStatus
from testbed.launch import LaunchOptions, Report, launch, stop

SCRAPE_TIMEOUT_S = 0.7


class RunningLoad(Protocol):
    """A load generator at work (chaos.experiment.load_process)."""

    def started_at(self) -> float | None:
        """Unix time of the schedule's second 0; None until it is known."""
        ...

    def check(self) -> None:
        """Raises RunError when it has ended, which it must not before its schedule has."""

    def has_ended(self) -> bool:
        """Whether it is done. Raises RunError when it failed."""
        ...


class Elsewhere(Protocol):
    """A system that keeps its evidence elsewhere than in the folder of an arm, and its pages beyond the end of one."""

    def journal(self, since_at: float) -> bytes:
        """What its keepers did to processes since a Unix time, one JSON object a line. Raises TargetError."""
        ...


@dataclass(frozen=True)
class World:
    """Systems that start and stop, faults, load, HTTP and time."""

    launch: Callable[[LaunchOptions, Callable[[Report], None]], SystemStatus]
    stop: Callable[[Path], None]
    system: Callable[[Path], System]
    target: Callable[[Path], Target]
    load: Callable[[LoadSchedule], AbstractContextManager[RunningLoad]]
    get: Get
    scrape: Get
    """Gives up sooner: one process that stands still must not hold up a mark."""
    now: Callable[[], float]
    """Unix time, seconds."""
    sleep: Callable[[float], None]
    cpu: Callable[[], CpuSample | None]
    """The counters of the machine that the load comes from, at this instant."""
    elsewhere: Elsewhere | None = None


def local_world() -> World:
    """Processes on this machine."""
    return World(
        launch=lambda options, progress: launch(options, progress=progress),
        stop=stop,
        system=LocalSystem,
        target=LocalTarget,
        load=LoadProcess,
        get=http_get,
        scrape=partial(http_get, timeout_s=SCRAPE_TIMEOUT_S),
        now=time.time,
        sleep=time.sleep,
        cpu=read_cpu,
    )
