"""The leases of faults in one process, seen from outside."""

from chaos.inject.messages import PATH, Healed, LeaseList, LeaseRequest, LeaseView
from chaos.targets.control_client import ControlClient


class LeaseClient(ControlClient):
    """One process's leases. Every method raises RefusedError, UnreachableError or SilentError, naming the process."""

    def grant(self, request: LeaseRequest) -> LeaseView:
        """Asks for a lease."""
        return self.exchange("POST", PATH, LeaseView, request.model_dump_json(exclude_none=True).encode())

    def snapshot(self) -> LeaseList:
        """Lists leases in force and the last ones that ended."""
        return self.exchange("GET", PATH, LeaseList)

    def heal(self, lease_id: str | None = None) -> int:
        """Ends one lease, or all; returns how many."""
        return self.exchange("DELETE", f"{PATH}/{lease_id}" if lease_id else PATH, Healed).healed
