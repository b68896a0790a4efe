"""Finishes or undoes every saga that nobody works on: what a dead process left, what was given up, what was put off.

Every replica runs one. A process that comes back takes what it left behind at once; of what others left, each takes what is
due. A saga that has time left until its deadline goes on, for somebody still waits for it; any other is undone.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Generic, TypeVar

from opentelemetry import context, propagate

from observability.telemetry import Telemetry
from services.kit.background import background, prune_for_ever
from services.kit.errors import ServiceError
from services.kit.resilience.deadline import deadline_within
from services.kit.saga.log import SagaLog
from services.kit.saga.plan import Plan
from services.kit.saga.record import FencedError, Saga, SagaState
from services.kit.saga.runner import SagaRunner, TooLateError
from services.kit.uncut import uncut

_log = logging.getLogger(__name__)
Subject = TypeVar("Subject")

POLL_S = 0.25
"""How often due sagas are looked for; one that is given up in this process is worked on at once."""
BATCH = 8
"""Sagas worked on at once: a callee that comes back must not be knocked over by what waited for it."""
LEFT_BEHIND = 400
"""Sagas of a former life that are taken at once; the rest comes due by itself."""
PRUNE_EVERY_S = 3_600.0
LEAST_LEFT_S = 0.25
"""Until a deadline, for going on. Who waits counts from when the request was sent, which a busy system reads a little later: what
is finished in the last moment may have been given up already, and whoever asked for it told that it failed."""


class SagaRecovery(Generic[Subject]):
    """The worker of one process for the sagas of one plan."""

    def __init__(self, log: SagaLog, runner: SagaRunner[Subject], plan: Plan[Subject], telemetry: Telemetry) -> None:
        self._records = log
        self._runner = runner
        self._plan = plan
        self._telemetry = telemetry
        for state in (SagaState.RUNNING, SagaState.COMPENSATING):
            telemetry.metrics.sagas_taken.labels(state)
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """A saga was just given up."""
        self._awake.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works in the background for as long as the context is open."""
        # Read before this process begins any of its own, whose owner would have the same name.
        left = await self._records.left_behind(LEFT_BEHIND)
        pruning = prune_for_ever("the logs of old sagas", lambda: uncut(self._records.prune()), PRUNE_EVERY_S)
        async with background({"saga recovery": self._run(left), "saga prune": pruning}):
            yield

    async def settle_left_behind(self, left: list[Saga]) -> None:
        """Works on what a former life of this process left open."""
        await self._settle_all(await uncut(self._records.take(left)))

    async def settle_due(self) -> int:
        """Works on what nobody is presumed to work on; returns how many sagas that were."""
        return await self._settle_all(await uncut(self._records.take_due(BATCH)))

    async def _run(self, left: list[Saga]) -> None:
        while True:
            settled = 0
            try:
                if left:
                    await self.settle_left_behind(left)
                    left = []
                settled = await self.settle_due()
                self._telemetry.metrics.sagas_open.set(await uncut(self._records.count_open()))
            except Exception:  # noqa: BLE001 - a worker that ended would be missed by nobody until somebody's money is.
                _log.exception("open sagas cannot be worked on; trying again")
            if not settled:
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await self._awake.wait()
            self._awake.clear()

    async def _settle_all(self, sagas: list[Saga]) -> int:
        for start in range(0, len(sagas), BATCH):
            await asyncio.gather(*(self._settle(saga) for saga in sagas[start : start + BATCH]))
        return len(sagas)

    async def _settle(self, saga: Saga) -> None:
        if not saga.attempts:  # Otherwise nobody left it: it was put off, and is tried again.
            self._telemetry.metrics.sagas_taken.labels(saga.state).inc()
        token = context.attach(propagate.extract(saga.trace_headers))
        try:
            with self._telemetry.tracer.start_as_current_span(f"recover {saga.state} saga"):
                await self._work_on(saga)
        except FencedError:
            _log.debug("saga %s is worked on by somebody else", saga.id)
        except ServiceError as error:
            _log.warning("saga %s is undone: %s", saga.id, error.detail)
        except Exception:  # noqa: BLE001 - whatever one saga does, the next one must be worked on; this one comes due again.
            _log.exception("saga %s cannot be worked on; it comes due again", saga.id)
        finally:
            context.detach(token)

    async def _work_on(self, saga: Saga) -> None:
        subject = await self._plan.load(saga.id)
        if saga.state is SagaState.COMPENSATING:
            await self._runner.backward(saga, subject)
        elif (left_s := saga.deadline_at - self._records.now()) >= LEAST_LEFT_S:
            with deadline_within(left_s * 1_000):  # Its request's; without one a callee that hangs would hold up all others.
                await self._runner.forward(saga, subject)
        else:
            turned = await self._runner.give_up(saga, subject, TooLateError())
            await self._runner.backward(turned, subject)
