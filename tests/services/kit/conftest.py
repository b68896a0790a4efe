"""What the kit's tests share: time that passes when told, a transport that follows a script, telemetry that is kept."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from observability.metrics import Metrics
from observability.telemetry import Telemetry
from services.kit.errors import CallError, UnreachableError
from services.kit.message import Outgoing, Reply
from services.kit.resilience.breaker import AsyncBreaker
from services.kit.resilience.course import Course
from services.kit.resilience.decision import Decision
from services.kit.resilience.permit import Permit
from services.kit.resilience.pipeline import EdgePipeline
from services.policy import Breaker as BreakerPolicy
from services.policy import EdgePolicy, Timeout
from services.registry import Instance, InstanceState
from tests.services.asgi import ask
from tests.services.kit.virtual import run_virtually, settle

EDGE = "shop->bank"
DOWN = UnreachableError(EDGE, "no connection")


class HandClock:
    """Monotonic seconds that pass when told."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s

    def advance_ms(self, milliseconds: float) -> None:
        self.now_s += milliseconds / 1_000


class RecordingSink:
    """Keeps decisions."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []

    def decided(self, decision: Decision) -> None:
        self.decisions.append(decision)

    @property
    def told(self) -> list[str]:
        return [f"{each.verb}: {each.detail}" for each in self.decisions]


class PipelineBench:
    """Makes pipelines over one clock, one sink and recorded waits."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.sink = RecordingSink()
        self.waits_s: list[float] = []

    async def _sleep(self, seconds: float) -> None:
        self.waits_s.append(seconds)

    def pipeline(self, policy: EdgePolicy | Mapping[str, object], *, really_sleep: bool = False) -> EdgePipeline:
        """`really_sleep`: wait in the event loop, which wants to be a virtual one."""
        declared = policy if isinstance(policy, EdgePolicy) else EdgePolicy.model_validate(policy)
        sleep = asyncio.sleep if really_sleep else self._sleep
        return EdgePipeline(EDGE, declared, self.sink, random.Random(7), self.clock, sleep)


class WatchedBreaker(AsyncBreaker):
    """A breaker over a clock of its own that keeps its changes. Its reset timeout is 5 s."""

    def __init__(self, fail_max: int = 3, success_threshold: int = 1, permitted: int = 1) -> None:
        self.clock = HandClock()
        self.changes: list[tuple[str, str]] = []
        policy = BreakerPolicy(
            fail_max=fail_max,
            reset_timeout_ms="5s",
            success_threshold=success_threshold,
            permitted_calls_in_half_open=permitted,
        )
        super().__init__(policy, self.clock, lambda old, new: self.changes.append((old, new)))

    def admitted(self) -> Permit[int]:
        permit = self.admit()
        assert permit is not None
        return permit

    def fail(self, times: int) -> None:
        for _ in range(times):
            self.admitted().failed(DOWN)

    @classmethod
    def half_opened(cls, success_threshold: int = 1) -> "WatchedBreaker":
        """One that is half-open, with no probe under way."""
        breaker = cls(success_threshold=success_threshold)
        breaker.fail(3)
        breaker.clock.advance_ms(5_000)
        breaker.admitted().abandoned()
        return breaker


class Script:
    """An attempt that does what a list says: an answer, an error, or a coroutine function to run."""

    def __init__(self, *steps: object) -> None:
        self._steps = list(steps)
        self.numbers: list[int] = []

    async def __call__(self, number: int, course: Course) -> object:
        self.numbers.append(number)
        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        if isinstance(step, BaseException):
            raise step
        return await step() if asyncio.iscoroutinefunction(step) else step


@dataclass(frozen=True)
class Sent:
    """One attempt that a transport was asked for."""

    edge: str
    instance: str
    outgoing: Outgoing
    headers: Mapping[str, str]
    limits: Timeout | None


class ScriptedTransport:
    """Answers attempts from a list of replies and errors, the last one for ever, and keeps what was sent."""

    def __init__(self, *steps: Reply | CallError) -> None:
        self._steps = list(steps or (Reply(200, b"{}"),))
        self.sent: list[Sent] = []

    async def send(
        self, edge: str, instance: Instance, outgoing: Outgoing, headers: Mapping[str, str], limits: Timeout | None
    ) -> Reply:
        self.sent.append(Sent(edge, instance.name, outgoing, dict(headers), limits))
        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        if isinstance(step, CallError):
            raise step
        return step


class Watched:
    """Telemetry that is kept in memory."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.telemetry = Telemetry(tracers, Metrics(), None)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """Ended spans, the first to end first."""
        return self._exporter.get_finished_spans()

    def metric(self, name: str, **labels: str) -> float | None:
        """A sample's value, or None when there is none."""
        return self.telemetry.metrics.registry.get_sample_value(name, labels)


def replica(number: int, service: str = "bank") -> Instance:
    return Instance(service=service, replica=number, host="127.0.0.1", port=9_000 + number, pid=number, state=InstanceState.UP)


class Tools:
    """Functions that tests cannot import from here."""

    run_virtually = staticmethod(run_virtually)
    settle = staticmethod(settle)
    ask = staticmethod(ask)
    replica = staticmethod(replica)
    Breaker = WatchedBreaker
    Script = Script
    Transport = ScriptedTransport


@pytest.fixture
def tools() -> Tools:
    return Tools()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def bench() -> PipelineBench:
    return PipelineBench()


@pytest.fixture
def watched() -> Watched:
    return Watched()
