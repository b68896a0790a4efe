"""The control endpoint of one process, seen from outside: one exchange at a time, in bounded time."""

import http.client
import time
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from chaos.inject.messages import TOKEN_HEADER
from chaos.targets.errors import NoEndpointError, RefusedError, SilentError, UnreachableError
from services.registry import Instance

TIMEOUT_S = 0.7
"""Of one exchange, so that healing ends within a second although a process is stopped; a healthy one needs milliseconds."""
_MAX_ANSWER_BYTES = 1_000_000

Answer = TypeVar("Answer", bound=BaseModel)


class _Problem(BaseModel):
    """The part of problem details that is for people."""

    detail: str


class ControlClient:
    """One process's control endpoint.

    Args:
        instance: The process.
        token: Of its run.
        timeout_s: Longest wait for one answer.
        serves: What the endpoint is for, as in "serves no faults".
    """

    def __init__(self, instance: Instance, token: str, timeout_s: float = TIMEOUT_S, serves: str = "faults") -> None:
        self.instance = instance
        self._token = token
        self._timeout_s = timeout_s
        self._serves = serves

    def exchange(self, method: str, path: str, model: type[Answer], body: bytes | None = None) -> Answer:
        """Asks, and reads the answer. Raises RefusedError, UnreachableError or SilentError, naming the process."""
        try:
            status, content = self._send(method, path, body)
        except TimeoutError:
            raise SilentError(
                f"{self.instance.name} did not answer within {self._timeout_s:g} s (paused or overloaded?)"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(f"{self.instance.name} cannot be reached: {str(error) or type(error).__name__}") from None
        if status == http.client.NOT_FOUND:
            raise NoEndpointError(f"{self.instance.name} serves no {self._serves}, or was started with another chaos token")
        try:
            if status >= http.client.BAD_REQUEST:
                raise RefusedError(f"{self.instance.name} refused: {_Problem.model_validate_json(content).detail}")
            return model.model_validate_json(content)
        except ValidationError:
            raise RefusedError(f"{self.instance.name} answered {status} with something else than was asked") from None

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
