"""What can only be seen over real connections and with real signals."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import aiohttp
import pytest

from chaos.faults import Abort, AnyFault, Error, Hang, Latency, Partition
from chaos.inject.messages import LeaseRequest
from chaos.targets.errors import SilentError
from chaos.targets.lease_client import LeaseClient
from services.registry import Instance, InstanceState

pytestmark = pytest.mark.system

SERVICE = """
import socket, sys, uvicorn
from chaos.inject.asgi import answer, read_body
from chaos.inject.leases import LeaseTable
from chaos.inject.middleware import ChaosMiddleware
from chaos.inject.partition import PartitionMiddleware

async def echo(scope, receive, send):
    await answer(send, 200, await read_body(receive, 1_000_000), b"text/plain")

listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
table = LeaseTable()
app = PartitionMiddleware(ChaosMiddleware(echo, table, "token"), table)
config = uvicorn.Config(app, lifespan="off", access_log=False, loop="uvloop", http=sys.argv[1])
uvicorn.Server(config).run(sockets=[listener])
"""
TOOL = """
import sys, time
from chaos.faults import FAULT
from chaos.inject.messages import LeaseRequest
from chaos.targets.lease_client import LeaseClient
from services.registry import Instance, InstanceState

instance = Instance(service="payments", replica=1, host="127.0.0.1", port=int(sys.argv[1]), pid=1, state=InstanceState.UP)
LeaseClient(instance, "token").grant(LeaseRequest(fault=FAULT.validate_json(sys.argv[3]), lease_ms=float(sys.argv[2])))
print("granted", flush=True)
time.sleep(60)
"""


class Service:
    """One service in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        assert process.stdout
        self.port = int(process.stdout.readline())
        instance = Instance(
            service="payments", replica=1, host="127.0.0.1", port=self.port, pid=process.pid, state=InstanceState.UP
        )
        self.leases = LeaseClient(instance, "token", timeout_s=10)
        self.impatient = LeaseClient(instance, "token", timeout_s=0.2)
        self.url = f"http://127.0.0.1:{self.port}/charges"

    def stop(self) -> str:
        """Ends it; returns what it logged."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        return self.process.communicate(timeout=10)[1]


@pytest.fixture
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    """The parameter, if any, is uvicorn's HTTP implementation."""
    command = [sys.executable, "-c", SERVICE, getattr(request, "param", "auto")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        running = Service(process)
        try:
            yield running
        finally:
            if process.poll() is None:
                running.stop()


async def post(url: str, body: bytes = b"{}", timeout_s: float = 10) -> tuple[int, bytes]:
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.post(url, data=body) as response:
        return response.status, await response.read()


@pytest.mark.parametrize("service", ["h11", "httptools"], indirect=True)
async def test_an_abort_is_a_disconnect_to_the_caller_and_no_error_to_the_server(service: Service) -> None:
    service.leases.grant(LeaseRequest(fault=Abort(), lease_ms=60_000))
    for body in (b"", b"{}", b"x" * 200_000):
        with pytest.raises(aiohttp.ClientConnectionError):
            await post(service.url, body)
    assert service.leases.heal() == 1
    assert await post(service.url) == (200, b"{}")
    log = service.stop()
    assert "ERROR" not in log
    assert "500" not in log


async def test_latency_is_never_short_over_a_real_connection(service: Service) -> None:
    service.leases.grant(LeaseRequest(fault=Latency(latency_ms=20), lease_ms=60_000))
    for _ in range(20):
        began_s = time.perf_counter()
        await post(service.url)
        assert time.perf_counter() - began_s >= 0.020


async def test_a_hung_request_goes_on_when_the_lease_ends_whoever_has_left_meanwhile(service: Service) -> None:
    service.leases.grant(LeaseRequest(fault=Hang(), lease_ms=1_500))
    patient = asyncio.ensure_future(post(service.url, b"x" * 100_000))
    with pytest.raises(TimeoutError):
        await post(service.url, timeout_s=0.2)
    assert not patient.done()
    assert await patient == (200, b"x" * 100_000)


def set_by_a_tool_that_is_killed(port: int, fault: AnyFault, lease_ms: int) -> None:
    command = [sys.executable, "-c", TOOL, str(port), str(lease_ms), fault.model_dump_json()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tool:
        assert tool.stdout
        assert tool.stdout.readline() == "granted\n"
        tool.kill()


async def test_a_fault_ends_by_itself_when_the_tool_that_set_it_was_killed(service: Service) -> None:
    set_by_a_tool_that_is_killed(service.port, Error(), 1_500)
    assert (await post(service.url))[0] == 503
    remaining_ms = service.leases.snapshot().leases[0].remaining_ms
    await asyncio.sleep(remaining_ms / 1_000 + 0.01)
    assert await post(service.url) == (200, b"{}")
    assert [lease.injected for lease in service.leases.snapshot().ended] == [1]


async def test_a_partition_ends_by_itself_when_the_tool_that_set_it_was_killed(service: Service) -> None:
    set_by_a_tool_that_is_killed(service.port, Partition(), 3_000)
    (lease,) = service.leases.snapshot().leases  # Whoever watches is not cut off.
    assert await post(service.url) == (200, b"{}")
    assert [(ended.id, ended.injected) for ended in service.leases.snapshot().ended] == [(lease.id, 1)]


@pytest.mark.parametrize("service", ["h11", "httptools"], indirect=True)
async def test_what_was_under_way_is_answered_when_the_partition_ends(service: Service) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(b"POST /charges HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nab")
    await post(service.url)  # By then it has begun.
    service.leases.grant(LeaseRequest(fault=Partition(), lease_ms=60_000))
    writer.write(b"cd")
    for _ in range(500):  # Ten seconds, until the answer is there and kept back.
        if service.leases.snapshot().leases[0].injected:
            break
        await asyncio.sleep(0.02)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await reader.read(1)
    assert service.leases.heal() == 1
    assert (await reader.readuntil(b"abcd")).startswith(b"HTTP/1.1 200 OK")
    writer.close()


@pytest.mark.parametrize("service", ["h11", "httptools"], indirect=True)
async def test_callers_that_give_up_on_a_service_that_is_cut_off_leave_no_error_behind(service: Service) -> None:
    service.leases.grant(LeaseRequest(fault=Partition(), lease_ms=60_000))
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await post(service.url, timeout_s=0.2)
    service.leases.heal()
    assert (await post(service.url))[0] == 200
    assert "Traceback" not in service.stop()


async def test_no_fault_is_left_in_a_process_that_was_stopped_past_the_end(service: Service) -> None:
    service.leases.grant(LeaseRequest(fault=Error(), lease_ms=700))
    service.process.send_signal(signal.SIGSTOP)
    with pytest.raises(SilentError):
        service.impatient.snapshot()
    waiting = asyncio.ensure_future(post(service.url))
    await asyncio.sleep(0.7)
    service.process.send_signal(signal.SIGCONT)
    assert await waiting == (200, b"{}")
    assert service.leases.snapshot().leases == ()
