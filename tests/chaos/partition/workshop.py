"""Work that a partition may catch in the middle."""

import asyncio

from chaos.faults import Partition
from chaos.inject.asgi import App, Receive, Scope, Send, answer
from chaos.inject.leases import LeaseTable
from chaos.inject.messages import LeaseRequest
from chaos.inject.middleware import ChaosMiddleware
from chaos.inject.partition import PartitionMiddleware
from tests.chaos.requests import Request, Scissors

EDGE = "orders->payments"


class Workshop:
    """An application whose work takes until it is told."""

    def __init__(self, body: bytes = b"done", error: Exception | None = None) -> None:
        self.begun = 0
        self.done = 0
        self.may_end = asyncio.Event()
        self._body = body
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun += 1
        await self.may_end.wait()
        if self._error:
            raise self._error
        await answer(send, 200, self._body, b"text/plain")
        self.done += 1


def around(application: App, table: LeaseTable, scissors: Scissors) -> App:
    return PartitionMiddleware(ChaosMiddleware(application, table, "token", scissors), table, ("/__policy__",), scissors)


def cut_off(table: LeaseTable, *, edge: str | None = None, lease_ms: float = 30_000, lease_id: str = "a") -> None:
    table.grant(LeaseRequest(id=lease_id, fault=Partition(), edge=edge, lease_ms=lease_ms))


async def begun(work: Workshop, table: LeaseTable, scissors: Scissors) -> tuple[Request, "asyncio.Task[None]"]:
    """A request that is being served."""
    request = Request(body=())
    task = await request.start(around(work, table, scissors))
    assert work.begun == 1
    return request, task
