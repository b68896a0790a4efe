"""The changes of policies in one process, seen from outside."""

from chaos.targets.control_client import TIMEOUT_S, ControlClient
from services.kit.policies.messages import PATH, Ended, PolicyLease, PolicyRequest, PolicyState
from services.registry import Instance


class PolicyClient(ControlClient):
    """One process's policies. Every method raises RefusedError, UnreachableError or SilentError, naming the process."""

    def __init__(self, instance: Instance, token: str, timeout_s: float = TIMEOUT_S) -> None:
        super().__init__(instance, token, timeout_s, serves="policies")

    def grant(self, request: PolicyRequest) -> PolicyLease:
        """Asks for a change."""
        return self.exchange("POST", PATH, PolicyLease, request.model_dump_json().encode())

    def snapshot(self) -> PolicyState:
        """What is in force, and the changes that it comes from."""
        return self.exchange("GET", PATH, PolicyState)

    def end(self, lease_id: str) -> int:
        """Ends one change; returns how many were in force."""
        return self.exchange("DELETE", f"{PATH}/{lease_id}", Ended).ended

    def reset(self, place: str | None = None) -> frozenset[str]:
        """Ends the changes that were made at exactly this place, or all; returns their ids."""
        leases = self.snapshot().leases
        return frozenset(lease.id for lease in leases if (place is None or lease.change.place == place) and self.end(lease.id))
