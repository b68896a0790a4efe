"""A running system without processes: real policies behind real endpoints, with no socket in between."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chaos.inject.messages import TOKEN_HEADER
from chaos.targets import local
from chaos.targets.control_client import ControlClient
from services.kit.policies.leases import PolicyLeases
from services.kit.policies.live import LivePolicies
from services.kit.policies.middleware import PolicyMiddleware
from services.policy.change import Policies
from services.registry import Instance, InstanceState
from services.topology import split_edge, topology_from_text
from testbed.cli import main
from testbed.control import ProcessLease, SystemStatus
from testbed.run import RunFolder, Secrets
from tests.services.asgi import Answer, ask

TOPOLOGY = """
services:
  shop: {module: shop, entry: true}
  orders: {module: orders, replicas: 2}
  payments: {module: payments, replicas: 2, limit: {max_limit: 60}}
edges:
  shop->orders:
    deadline: 3s
    retry: {max_attempts: 2}
    breaker: {fail_max: 10, reset_timeout: 5s}
    balancer: power_of_two
    timeout: {attempt: 2s}
  orders->payments:
    deadline: 1500ms
    bulkhead: {max_concurrent: 40}
    retry: {max_attempts: 2}
    timeout: {attempt: 600ms}
"""


class FakeSystem:
    """Its processes live in this one; `status` stands for the supervisor."""

    def __init__(self, root: Path) -> None:
        self.state = root / "state"
        folder = RunFolder(self.state)
        folder.create()
        self.secrets = Secrets.generate()
        folder.write_secrets(self.secrets)
        self.path = root / "map.yaml"
        self.path.write_text(TOPOLOGY)
        self.topology = topology_from_text(TOPOLOGY)
        self.now_s = 1_000.0
        self.instances = [
            Instance(service=service, replica=replica, host="127.0.0.1", port=1, pid=1, state=InstanceState.UP)
            for service, each in (*((name, each.replicas) for name, each in self.topology.services.items()), ("telemetry", 1))
            for replica in range(1, each + 1)
        ]
        self.live: dict[str, LivePolicies] = {}
        self.silent: set[str] = set()
        self.paused: set[str] = set()
        for instance in self.instances:
            if instance.service in self.topology.services:
                self.restart(instance.name)

    def restart(self, name: str) -> None:
        """A process of this name begins anew."""
        service = name.partition("/")[0]
        own = {edge: policy for edge, policy in self.topology.edges.items() if split_edge(edge)[0] == service}
        declared = Policies(service, own, self.topology.services[service].limit)
        self.live[name] = LivePolicies(PolicyLeases(declared, declared, lambda: self.now_s), lambda _count: None)

    def down(self, name: str) -> None:
        self.instances = [
            each.model_copy(update={"state": InstanceState.DOWN}) if each.name == name else each for each in self.instances
        ]

    def status(self, _state: Path) -> SystemStatus:
        pauses = tuple(
            ProcessLease(id="p", kind="pause", instance=name, granted_at=0, remaining_ms=1, source="") for name in self.paused
        )
        return SystemStatus(
            run_id="up-1", phase="ready", profile="declared", without=(), topology=str(self.path), started_at=0,
            supervisor_pid=1, instances=tuple(self.instances), addresses={}, otlp_endpoint="", leases=pauses,
        )  # fmt: skip

    def send(self, client: ControlClient, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        """What ControlClient._send does, without a socket."""
        name = client.instance.name
        if name in self.silent | self.paused:
            raise TimeoutError
        answered: Answer = asyncio.run(ask(self._app(name), path, {TOKEN_HEADER: client._token}, method, body=body or b""))
        return answered.status, answered.body

    def _app(self, name: str) -> PolicyMiddleware:
        async def nothing(*_: object) -> None:
            raise AssertionError("only the endpoint is asked")

        return PolicyMiddleware(nothing, self.live[name], self.secrets.chaos_token)

    def parameter(self, name: str, edge: str, key: str) -> str | None:
        return self.live[name].snapshot().edges[edge].get(key)


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSystem:
    fake = FakeSystem(tmp_path)
    monkeypatch.setattr(local, "status", fake.status)

    def send(client: ControlClient, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        return fake.send(client, method, path, body)

    monkeypatch.setattr(ControlClient, "_send", send)
    return fake


Policy = Callable[..., tuple[int, str, str]]


@pytest.fixture
def policy(system: FakeSystem, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Policy:
    """Runs `testbed policy` on the system; returns exit code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        where = () if "--help" in arguments else ("--state", str(system.state))
        monkeypatch.setattr(sys, "argv", ["testbed", "policy", *arguments, *where])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run
