"""Drives a saga forward, or back: one fenced write after each step, so that a crash loses at most the knowledge of one."""

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from observability.metrics import Metrics
from services.kit.errors import ServiceError, UndoneError
from services.kit.saga.log import GRACE_S, LEASE_S, SagaLog
from services.kit.saga.plan import Plan
from services.kit.saga.record import FencedError, Saga, SagaState
from services.kit.uncut import uncut

_log = logging.getLogger(__name__)
Subject = TypeVar("Subject")

FIRST_PAUSE_S, MAX_PAUSE_S = 0.4, 5.0
"""Between attempts at a compensation; doubled each time. It is tried for ever: giving up would keep what is not ours. The next
does not follow at once: during an outage every saga is in here."""
_MAX_DOUBLINGS = 10


class TooLateError(UndoneError):
    """The deadline passed while the saga ran: whoever waited was told that it failed, so it must not succeed."""

    def __init__(self) -> None:
        super().__init__("it took longer than its deadline")


@dataclass(slots=True)
class _Course:
    """How far a saga is by what this process has written, which a cancellation may keep from whoever had it written."""

    saga: Saga


class SagaRunner(Generic[Subject]):
    """Works on sagas of one plan. Whoever else works on the same saga is fenced, or fences this one out."""

    def __init__(self, log: SagaLog, plan: Plan[Subject], metrics: Metrics) -> None:
        self._records = log
        self._plan = plan
        self._metrics = metrics
        for state in (SagaState.DONE, SagaState.UNDONE):
            metrics.sagas_finished.labels(state)

    async def forward(self, saga: Saga, subject: Subject) -> Subject:
        """Takes the remaining steps of a running saga.

        Returns:
            The subject as the last step left it; the saga is done.

        Raises:
            FencedError: Somebody else works on it.
            ServiceError: Why it was given up; its compensation has been ordered.
        """
        course = _Course(saga)
        while course.saga.state is not SagaState.DONE:
            try:
                self._check_time(course.saga)
                known, subject = subject, await self._plan.steps[course.saga.position].act(subject)
                await uncut(self._advance(course, subject, learnt=subject != known))
            except FencedError:
                raise
            except ServiceError as error:
                await self.give_up(course.saga, subject, error)
                raise
            except BaseException as error:  # Cancelled, or a database that failed: who comes next need not wait for the lease.
                if isinstance(error, Exception | asyncio.CancelledError):
                    await uncut(self._let_go(course.saga))
                raise
        return subject

    async def leave(self, saga_id: str) -> None:
        """Lets anybody take a saga that was begun and not worked on: who was about to is cancelled. Never fails."""
        try:
            saga = await self._records.find(saga_id)
        except Exception:  # noqa: BLE001 - the lease ends by itself.
            _log.warning("saga %s could not be released; its lease runs out", saga_id)
        else:
            if saga is not None and saga.version == 0:
                await self._let_go(saga)

    async def give_up(self, saga: Saga, subject: Subject, error: ServiceError) -> Saga:
        """Decides that a saga is undone: a running one, or one that was done. Raises FencedError."""
        return await uncut(self._turn(saga, subject, error))

    async def backward(self, saga: Saga, subject: Subject) -> bool:
        """Undoes what a compensating saga may have done. False: a callee refuses, and is asked again. Raises FencedError.

        A callee that does not answer holds up nobody else's compensation: those below it are asked all the same, and not again
        once that is written down. A crash before may repeat what was undone.
        """
        failed = ""
        undone = saga.undone
        for position in range(saga.position, -1, -1):
            step = self._plan.steps[position]
            try:
                if not saga.is_undone(position):
                    await step.undo(subject)
            except ServiceError as error:
                _log.warning("%s of %s cannot be undone yet: %s", step.name, saga.id, error.detail)
                failed = failed or step.name
                continue
            if failed:
                undone |= 1 << position
            else:
                saga = await uncut(self._retreat(saga, step.name))
        if failed:
            await uncut(self._put_off(replace(saga, undone=undone), failed))
        return not failed

    async def _let_go(self, saga: Saga) -> None:
        if saga.state is not SagaState.RUNNING:
            return
        try:
            await self._records.release(saga)
        except Exception:  # noqa: BLE001 - the lease ends by itself.
            _log.warning("saga %s could not be released; its lease runs out", saga.id)

    def _check_time(self, saga: Saga) -> None:
        if self._records.now() > saga.deadline_at:
            raise TooLateError

    async def _advance(self, course: _Course, subject: Subject, *, learnt: bool) -> None:
        saga = course.saga
        name = self._plan.steps[saga.position].name
        finished = saga.position == len(self._plan.steps) - 1
        moved = replace(saga, position=saga.position + 1, state=SagaState.DONE if finished else SagaState.RUNNING)
        due_at = None if finished else saga.deadline_at + GRACE_S
        async with self._records.database.write() as connection:
            moved = await self._records.write(connection, saga, moved, f"{name}: done", due_at)
            if finished:
                self._check_time(saga)  # Here, where nobody can be waited for any more: a lock may have taken seconds to come.
            if learnt:
                await self._plan.save(connection, subject)
            if finished:
                await self._plan.complete(connection, subject)
        course.saga = moved
        self._plan.committed()
        if finished:
            self._metrics.sagas_finished.labels(SagaState.DONE).inc()

    async def _turn(self, saga: Saga, subject: Subject, error: ServiceError) -> Saga:
        # The step that failed is undone with the others: that it did not take effect is never certain.
        position = min(saga.position, len(self._plan.steps) - 1)
        turned = replace(saga, state=SagaState.COMPENSATING, position=position, attempts=0, reason=error.detail, undone=0)
        entry = f"{self._plan.steps[position].name}: given up: {error.detail}"
        async with self._records.database.write() as connection:
            turned = await self._records.write(connection, saga, turned, entry, self._records.now())
            await self._plan.give_up(connection, subject, error, saga.position)
        self._plan.committed()
        return turned

    async def _retreat(self, saga: Saga, name: str) -> Saga:
        finished = saga.position == 0
        moved = replace(
            saga, position=saga.position - 1, attempts=0, state=SagaState.UNDONE if finished else SagaState.COMPENSATING
        )
        async with self._records.database.write() as connection:
            due_at = None if finished else self._records.now() + LEASE_S
            moved = await self._records.write(connection, saga, moved, f"{name}: undone", due_at)
        if finished:
            self._metrics.sagas_finished.labels(SagaState.UNDONE).inc()
        return moved

    async def _put_off(self, saga: Saga, name: str) -> None:
        pause_s = min(MAX_PAUSE_S, FIRST_PAUSE_S * 2 ** min(saga.attempts, _MAX_DOUBLINGS))
        later = replace(saga, attempts=saga.attempts + 1)
        async with self._records.database.write() as connection:
            await self._records.write(connection, saga, later, f"{name}: cannot be undone yet", self._records.now() + pause_s)
