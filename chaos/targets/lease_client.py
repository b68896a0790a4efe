"""The control endpoint of one process, seen from outside."""

import http.client
import time
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from chaos.inject.messages import PATH, TOKEN_HEADER, Healed, LeaseList, LeaseRequest, LeaseView
from chaos.targets.errors import NoEndpointError, RefusedError, SilentError, UnreachableError
from services.registry import Instance

TIMEOUT_S = 0.7
"""Of one exchange, so that healing ends within a second although a process is stopped; a healthy one needs milliseconds."""
_MAX_ANSWER_BYTES = 1_000_000

Answer = TypeVar("Answer", bound=BaseModel)


class _Problem(BaseModel):
    """The part of problem details that is for people."""

    detail: str


class LeaseClient:
    """One process's leases. Every method raises RefusedError, UnreachableError or SilentError, naming the process."""

    def __init__(self, instance: Instance, token: str, timeout_s: float = TIMEOUT_S) -> None:
        self.instance = instance
        self._token = token
        self._timeout_s = timeout_s

    def grant(self, request: LeaseRequest) -> LeaseView:
        """Asks for a lease."""
        return self._exchange("POST", PATH, LeaseView, request.model_dump_json(exclude_none=True).encode())

    def snapshot(self) -> LeaseList:
        """Lists leases in force and the last ones that ended."""
        return self._exchange("GET", PATH, LeaseList)

    def heal(self, lease_id: str | None = None) -> int:
        """Ends one lease, or all; returns how many."""
        return self._exchange("DELETE", f"{PATH}/{lease_id}" if lease_id else PATH, Healed).healed

    def _exchange(self, method: str, path: str, model: type[Answer], body: bytes | None = None) -> Answer:
        try:
            status, content = self._send(method, path, body)
        except TimeoutError:
            raise SilentError(
                f"{self.instance.name} did not answer within {self._timeout_s:g} s (paused or overloaded?)"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(f"{self.instance.name} cannot be reached: {str(error) or type(error).__name__}") from None
        if status == http.client.NOT_FOUND:
            raise NoEndpointError(f"{self.instance.name} serves no faults, or was started with another chaos token")
        try:
            if status >= http.client.BAD_REQUEST:
                raise RefusedError(f"{self.instance.name} refused: {_Problem.model_validate_json(content).detail}")
            return model.model_validate_json(content)
        except ValidationError:
            raise RefusedError(f"{self.instance.name} answered {status} with something that is no lease") from None

    def _send(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        deadline_s = time.monotonic() + self._timeout_s
        connection = http.client.HTTPConnection(self.instance.host, self.instance.port, timeout=self._timeout_s)
        try:
            connection.request(method, path, body, {TOKEN_HEADER: self._token, "Connection": "close"})
            connection.sock.settimeout(max(0.001, deadline_s - time.monotonic()))
            response = connection.getresponse()
            return response.status, response.read(_MAX_ANSWER_BYTES)
        finally:
            connection.close()
