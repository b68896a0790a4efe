"""Who is told of injections: the process around the lease table implements this with its own telemetry."""

from typing import Protocol


class Observer(Protocol):
    """Called synchronously, inside the request that is hit, so that the current span is that request's."""

    def injected(self, lease_id: str, fault: str, target: str) -> None:
        """A fault of kind `fault` begins. `target` is the edge (`orders->payments`) or, on the server side, the service."""
        ...


class Unobserved:
    """For a process without telemetry."""

    def injected(self, lease_id: str, fault: str, target: str) -> None:
        """Tells nobody."""
