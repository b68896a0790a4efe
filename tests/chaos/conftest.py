"""A testbed without processes: its supervisor and its services live in a thread, their sockets are real."""

import asyncio
import contextlib
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from chaos.inject.asgi import Receive, Scope, Send, answer
from chaos.inject.leases import LeaseTable
from chaos.inject.messages import LeaseView
from chaos.inject.middleware import ChaosMiddleware
from services.registry import Instance, InstanceState
from testbed.control import (
    REQUEST,
    HealRequest,
    ProcessFaultRequest,
    ProcessLease,
    Request,
    Response,
    StatusRequest,
    SystemStatus,
    socket_path,
)
from testbed.run import RunFolder, Secrets
from tests.chaos.requests import Echo, HandClock, Notes, Scissors

TOPOLOGY = """
services:
  gateway: {module: services.gateway.main, entry: true}
  orders: {module: services.orders.main, replicas: 2}
  payments: {module: services.payments.main, replicas: 2}
edges:
  gateway->orders: {}
  orders->payments: {}
"""
NAMES = ("gateway/1", "orders/1", "orders/2", "payments/1", "payments/2")


async def _ok(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, 200, b"ok", b"text/plain")


class FakeService:
    """One replica: a real HTTP server with a real lease table."""

    def __init__(self, name: str, token: str | None) -> None:
        self.name = name
        self.state = InstanceState.UP
        self.table = LeaseTable(service=name.partition("/")[0])
        self.port = 0
        app = ChaosMiddleware(_ok, self.table, token)
        self._config = uvicorn.Config(app, port=0, lifespan="off", log_level="critical", access_log=False)
        self._server = uvicorn.Server(self._config)

    async def start(self) -> None:
        """Listens; without the server's own loop, which looks for its end ten times a second."""
        self._config.load()
        self._server.lifespan = self._config.lifespan_class(self._config)
        await self._server.startup()
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stops listening; without the server's own way, which sleeps. Clients have closed their connections by now."""
        for server in self._server.servers:
            server.close()
            await server.wait_closed()

    def instance(self) -> Instance:
        service, _, replica = self.name.partition("/")
        return Instance(service=service, replica=int(replica), host="127.0.0.1", port=self.port, pid=1, state=self.state)


class FakeTestbed:
    """What the chaos command meets: a state folder, a supervisor's socket, and services that listen."""

    def __init__(self, root: Path) -> None:
        self.state = root / "state"
        folder = RunFolder(self.state)
        folder.create()
        secrets = Secrets.generate()
        folder.write_secrets(secrets)
        self.topology = root / "topology.yaml"
        self.topology.write_text(TOPOLOGY)
        self.services = {name: FakeService(name, secrets.chaos_token) for name in NAMES}
        self.services["telemetry/1"] = FakeService("telemetry/1", None)  # The store serves no faults.
        self.process_leases: list[ProcessLease] = []
        self.asked: list[Request] = []
        self._silent: list[socket.socket] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._stopping = asyncio.Event()
        self._ready = threading.Event()

    def start(self) -> None:
        self._thread.start()
        self._main = asyncio.run_coroutine_threadsafe(self._run(), self._loop)
        assert self._ready.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._main.result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        for each in self._silent:
            each.close()

    async def _run(self) -> None:
        await asyncio.gather(*(service.start() for service in self.services.values()))
        async with await asyncio.start_unix_server(self._serve, socket_path(self.state)):
            self._ready.set()
            await self._stopping.wait()
        await asyncio.gather(*(service.stop() for service in self.services.values()))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            request = REQUEST.validate_json(await reader.readline())
            writer.write(self._answer(request).model_dump_json().encode() + b"\n")
            await writer.drain()
        writer.close()

    def _answer(self, request: Request) -> Response:
        if not isinstance(request, StatusRequest):
            self.asked.append(request)
        if isinstance(request, ProcessFaultRequest):
            self._disturb(request)
        if isinstance(request, HealRequest):
            healed = [lease for lease in self.process_leases if self._covers(request, lease.instance)]
            self.process_leases = [lease for lease in self.process_leases if lease not in healed]
            return Response(healed=len(healed))
        return Response(status=self.system())

    def _disturb(self, request: ProcessFaultRequest) -> None:
        self.process_leases += [
            ProcessLease(
                id=f"p-{name}",
                kind=request.kind,
                instance=name,
                granted_at=time.time(),
                remaining_ms=request.lease_ms,
                source=request.source,
            )
            for name in self.services
            if self._covers(request, name)
        ]

    def _covers(self, request: ProcessFaultRequest | HealRequest, name: str) -> bool:
        service, _, replica = name.partition("/")
        return request.service in (None, service) and request.replica in (None, int(replica))

    def system(self) -> SystemStatus:
        return SystemStatus(
            run_id="test",
            phase="ready",
            profile="declared",
            topology=str(self.topology),
            started_at=time.time(),
            supervisor_pid=1,
            instances=tuple(service.instance() for service in self.services.values()),
            addresses={"traces": "http://127.0.0.1:16686"},
            otlp_endpoint="http://127.0.0.1:4318",
            leases=tuple(self.process_leases),
        )

    def silence(self, name: str) -> None:
        """Puts a process in the place of `name` that accepts connections and never answers, as a stopped one does."""
        listener = socket.create_server(("127.0.0.1", 0))
        self._silent.append(listener)
        self.services[name].port = listener.getsockname()[1]

    def die(self, name: str) -> None:
        """Nobody listens for `name` any more, and the supervisor has not noticed yet."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.services[name].port = listener.getsockname()[1]

    def leases(self, name: str) -> tuple[LeaseView, ...]:
        return self.services[name].table.snapshot().leases

    def faults(self) -> dict[str, list[str]]:
        """Request faults in force, by process; processes without any are left out."""
        faults = {name: [str(lease.fault) for lease in self.leases(name)] for name in self.services}
        return {name: each for name, each in faults.items() if each}


@pytest.fixture
def testbed() -> Iterator[FakeTestbed]:
    # Not tmp_path: a Unix socket's path is short.
    with tempfile.TemporaryDirectory(prefix="fb-") as root:
        fake = FakeTestbed(Path(root))
        fake.start()
        try:
            yield fake
        finally:
            fake.stop()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def scissors() -> Scissors:
    return Scissors()
