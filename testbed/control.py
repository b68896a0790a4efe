"""Client and frozen messages of the supervisor's Unix socket.

One JSON object a line each way; the socket is the owner's alone (mode 600). A leaf: the `chaos` command and the experiment
runner reach a running system only through this.
"""

import hashlib
import os
import socket
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from services.registry import Instance, InstanceState

MAX_MESSAGE_BYTES = 1_000_000
MAX_LEASE_MS = 3_600_000.0
"""No fault lasts longer than an hour: a lease is renewed, not made eternal."""
_MAX_SOCKET_PATH = 100  # Linux allows 107 bytes, macOS 103.


class ControlError(Exception):
    """The supervisor refused a request; the text is for people."""


class NotRunningError(ControlError):
    """No supervisor answers for this state folder."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StatusRequest(_Message):
    """Asks for a SystemStatus."""

    op: Literal["status"] = "status"


class ProcessFaultRequest(_Message):
    """Kills (SIGKILL, kept down) or pauses (SIGSTOP) replicas until the lease ends; then they are restarted or resumed."""

    op: Literal["fault"] = "fault"
    kind: Literal["kill", "pause"]
    service: str
    replica: int | None = Field(default=None, ge=1, description="None: every replica of the service")
    lease_ms: float = Field(gt=0, le=MAX_LEASE_MS)
    source: str = Field(default="cli", max_length=200, description="who asked, for the journal")

    def covers(self, instance: str) -> bool:
        """Whether it means `orders/2`."""
        return _covers(self.service, self.replica, instance)


class HealRequest(_Message):
    """Ends process leases now: all, or those of one service (and replica)."""

    op: Literal["heal"] = "heal"
    service: str | None = None
    replica: int | None = Field(default=None, ge=1)

    def covers(self, instance: str) -> bool:
        """Whether it means `orders/2`."""
        return _covers(self.service, self.replica, instance)


class RestartRequest(_Message):
    """Stops and starts replicas in order, one service at a time."""

    op: Literal["restart"] = "restart"
    service: str
    replica: int | None = Field(default=None, ge=1)


class DownRequest(_Message):
    """Stops everything, then the supervisor itself."""

    op: Literal["down"] = "down"


Request = Annotated[
    StatusRequest | ProcessFaultRequest | HealRequest | RestartRequest | DownRequest,
    Field(discriminator="op"),
]
REQUEST: TypeAdapter[Request] = TypeAdapter(Request)


class ProcessLease(_Message):
    """A process fault in force."""

    id: str
    kind: Literal["kill", "pause"]
    instance: str = Field(description="such as orders/2")
    granted_at: float = Field(description="Unix time, seconds")
    remaining_ms: float
    source: str


class ProgramStatus(_Message):
    """What runs beside the services: the exporter of their spans, or a program of the stack, such as Prometheus."""

    name: str
    state: InstanceState | Literal["missing"]
    address: str = Field(default="", description="root of its pages; empty where it neither runs nor is about to")
    pid: int = 0
    note: str = Field(default="", description="why it does not run, how to get it, or what else people should know")
    log: str = Field(default="", description="path of what it says")


class SystemStatus(_Message):
    """What runs, where, and which process faults are in force."""

    run_id: str
    phase: Literal["starting", "ready", "degraded", "stopping"]
    profile: str
    without: tuple[str, ...] = ()
    topology: str = Field(description="path of the topology file in use")
    tracing: str = Field(default="default", description="who makes the server spans of requests")
    trace_ratio: float = Field(default=1.0, description="share of traces that are recorded")
    data: str = Field(default="", description="where the services keep theirs, without passwords")
    started_at: float = Field(description="Unix time, seconds")
    supervisor_pid: int
    instances: tuple[Instance, ...]
    addresses: dict[str, str] = Field(description="what people open, by name: gateway, traces, ...")
    otlp_endpoint: str = Field(description="where spans and logs are sent (OTLP over HTTP)")
    collector: str = Field(default="", description="the same where it is not the system's own store")
    leases: tuple[ProcessLease, ...] = ()
    exporter: ProgramStatus | None = Field(default=None, description="of spans; none where services send them themselves")
    stack: tuple[ProgramStatus, ...] = Field(default=(), description="empty when nobody wants one")


class Response(_Message):
    """The one answer to every request."""

    error: str | None = None
    status: SystemStatus | None = None
    healed: int = Field(default=0, description="leases ended by a heal")


def socket_path(state: Path, name: str = "control.sock") -> Path:
    """Where the supervisor of `state` listens: in the folder or, its path being too long for a socket, in the temporary one."""
    inside = state.absolute() / name
    if len(os.fsencode(inside)) <= _MAX_SOCKET_PATH:
        return inside
    digest = hashlib.sha256(os.fsencode(state.absolute())).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"firebreak-{os.getuid()}-{digest}-{name}"


def ask(state: Path, request: Request, timeout_s: float = 30.0) -> Response:
    """Sends one request and returns its answer. Raises NotRunningError, or ControlError with the supervisor's reason."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(socket_path(state)))
            connection.sendall(request.model_dump_json().encode() + b"\n")
            response = Response.model_validate_json(_read_line(connection))
        except (FileNotFoundError, ConnectionError) as error:
            raise NotRunningError(f"no testbed runs in {state} ({error.strerror}); start one with: testbed up") from None
        except TimeoutError:
            raise ControlError(f"the supervisor of {state} did not answer within {timeout_s:g} s") from None
        except ValueError:
            raise NotRunningError(f"the supervisor of {state} ended before it answered; see: testbed status") from None
    if response.error is not None:
        raise ControlError(response.error)
    return response


def status(state: Path) -> SystemStatus:
    """The running system's status. Raises NotRunningError or ControlError."""
    answer = ask(state, StatusRequest()).status
    if answer is None:
        raise ControlError("the supervisor answered without a status")
    return answer


def _covers(service: str | None, replica: int | None, instance: str) -> bool:
    name, _, number = instance.partition("/")
    return service in (None, name) and (replica is None or str(replica) == number)


def _read_line(connection: socket.socket) -> bytes:
    data = bytearray()
    while not data.endswith(b"\n"):
        chunk = connection.recv(65_536)
        if not chunk or len(data) > MAX_MESSAGE_BYTES:
            break
        data += chunk
    return bytes(data)
