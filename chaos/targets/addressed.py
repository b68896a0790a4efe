"""A system whose replicas are reached by their names alone: from inside its network, without its keepers or an engine."""

import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from chaos.targets.control_client import TIMEOUT_S
from chaos.targets.errors import TargetError
from services.addresses import check_addresses, registry_at
from services.registry import Instance, InstanceState, Registry
from services.topology import default_topology_path, load_topology
from testbed.control import HealRequest, NotRunningError, ProcessFaultRequest, ProcessLease, SystemStatus
from testbed.run import Secrets

ADDRESSES: Final = "FIREBREAK_ADDRESSES"
_TOPOLOGY: Final = "FIREBREAK_TOPOLOGY"
_TOKEN: Final = "FIREBREAK_CHAOS_TOKEN"  # noqa: S105 - the name of a variable
_MAX_PARALLEL: Final = 64


class AddressedSystem:
    """A System of which nothing is known but where its replicas are, so that it takes request faults and no others.

    Args:
        topology: The map's file.
        replicas: Where each replica of the map is, whether it runs or not.
        chaos_token: Of their control endpoints.
    """

    option = ""
    remedy = "see where Docker is what became of it: chaos status"
    logs_command = "docker compose logs SERVICE-REPLICA"
    unseen = "kills and pauses (where Docker is: chaos status, chaos heal)"

    def __init__(self, topology: Path, replicas: Registry, chaos_token: str) -> None:
        self._topology = topology
        self._replicas = replicas.instances
        self._chaos_token = chaos_token

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "AddressedSystem":
        """As the services' own variables describe it. Raises TargetError naming the variable, or DocumentError."""
        topology = Path(environment.get(_TOPOLOGY) or default_topology_path())
        try:
            pattern = check_addresses(environment.get(ADDRESSES, ""))
        except ValueError as error:
            raise TargetError(f"{ADDRESSES}: {error}") from None
        token = environment.get(_TOKEN, "")
        if not token:
            raise TargetError(f"{_TOKEN}: not set, and every process asks whoever injects faults for it; see: compose.yaml")
        return cls(topology, registry_at(load_topology(topology), pattern), token)

    def roll(self) -> SystemStatus:
        """See System; who accepts a connection is said to be up, as one that is paused does too."""
        with ThreadPoolExecutor(_MAX_PARALLEL) as pool:
            instances = tuple(pool.map(_found, self._replicas))
        if not any(each.state is InstanceState.UP for each in instances):
            raise NotRunningError(
                f"none of the {len(instances)} replicas answers, {instances[0].base_url} and so on; "
                "start them, where Docker is: make up"
            )
        return SystemStatus(
            run_id="",
            phase="ready" if all(each.state is InstanceState.UP for each in instances) else "degraded",
            profile="",
            topology=str(self._topology),
            started_at=0.0,
            supervisor_pid=0,
            instances=instances,
            addresses={},
            otlp_endpoint="",
        )

    def status(self) -> SystemStatus:
        """See System; without the faults on processes."""
        return self.roll()

    def secrets(self) -> Secrets:
        """See System; it has only one of them."""
        return Secrets(internal_token="", chaos_token=self._chaos_token, signing_key="")

    def disturb(self, request: ProcessFaultRequest) -> tuple[ProcessLease, ...]:
        """See System. Raises TargetError: there is nobody here who could."""
        place = request.service if request.replica is None else f"{request.service}/{request.replica}"
        raise TargetError(
            f"{request.kind} acts on containers, which cannot be reached from inside one of them; "
            f"where Docker is: chaos {request.kind} {place}"
        )

    def heal(self, request: HealRequest) -> int:  # noqa: ARG002 - a System
        """See System; none, since there are none that it knows."""
        return 0


def _found(replica: Instance) -> Instance:
    """The replica, with whether it accepts connections."""
    try:
        socket.create_connection((replica.host, replica.port), TIMEOUT_S).close()
    except OSError:
        return replica.model_copy(update={"state": InstanceState.DOWN})
    return replica
