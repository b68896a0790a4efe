"""`testbed dead-letters` and `testbed replay`: events that a service could not handle, and handling them after all."""

import http.client
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from chaos.http_get import TIMEOUT_S, FetchError, Get, http_get
from chaos.invariants.pages import TOKEN_HEADER, read_pages
from chaos.invariants.reading import library_of
from chaos.invariants.rows import Row
from chaos.targets.system import System
from services.topology import load_topology
from testbed.control import ControlError

_PATH: Final = "/internal/dead-letters"
_MAX_ANSWER_BYTES: Final = 100_000

Post = Callable[[str, Mapping[str, str]], tuple[int, bytes]]
"""Status and body of the answer to a POST of nothing to a URL with headers. Raises FetchError."""


class DeadLetter(Row):
    """An event that could not be handled; `at` is Unix time in seconds of the last attempt, `envelope` its beginning."""

    event_id: str
    type: str
    key: str
    attempts: int
    error: str
    at: float
    envelope: str


class _Problem(BaseModel):
    model_config = ConfigDict(extra="ignore")

    detail: str


class ReplayError(Exception):
    """An event is dead still; the text says why."""


@dataclass(frozen=True)
class Consumers:
    """The services of a running system that take events, and the way to each.

    Attributes:
        names: All of them, in the order of the topology.
        roots: Root of an instance of each that is up.
    """

    names: tuple[str, ...]
    roots: Mapping[str, str]
    headers: Mapping[str, str]
    get: Get

    def letters(self, service: str) -> tuple[DeadLetter, ...]:
        """What is dead at one service. Raises FetchError when it cannot be asked."""
        return read_pages(f"{self.root(service)}{_PATH}", DeadLetter, self.headers[TOKEN_HEADER], self.get)

    def root(self, service: str) -> str:
        """Where it is. Raises ControlError or FetchError."""
        if service not in self.names:
            raise ControlError(f"{service!r} takes no events; allowed: {', '.join(self.names) or 'none'}")
        if service not in self.roots:
            raise FetchError(f"no instance of {service} is up, so its dead letters cannot be reached; see: testbed status")
        return self.roots[service]


def consumers_of(system: System, get: Get = http_get) -> Consumers:
    """The consumers of a system. Raises ControlError or TargetError when it cannot be asked."""
    running = system.status()
    topology = load_topology(Path(running.topology))
    consuming = {name for route in topology.events.values() for name in route.consumers}
    token = system.secrets().internal_token
    roots = library_of(running, topology, token, get).roots
    return Consumers(tuple(name for name in topology.services if name in consuming), roots, {TOKEN_HEADER: token}, get)


def replay(consumers: Consumers, service: str, event_id: str, post: "Post | None" = None) -> None:
    """Has one event handled after all.

    Raises:
        ControlError: There is no such service, or no such event there.
        ReplayError: It failed again, or is not dead.
        FetchError: The service cannot be asked.
    """
    url = f"{consumers.root(service)}{_PATH}/{quote(event_id, safe='')}/replay"
    answered, body = (post or http_post)(url, consumers.headers)
    if answered == http.client.NO_CONTENT:
        return
    try:
        detail = _Problem.model_validate_json(body).detail
    except ValidationError:
        raise FetchError(f"POST {url}: status {answered}") from None
    if answered in (http.client.NOT_FOUND, http.client.UNPROCESSABLE_ENTITY):
        raise ControlError(f"{service} has no dead letter {event_id!r}; see: testbed dead-letters {service}")
    raise ReplayError(f"{service}: {detail}")


def http_post(url: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """A POST of nothing, bounded. Raises FetchError when there is no answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", parts.path, headers=dict(headers))
        response = connection.getresponse()
        return response.status, response.read(_MAX_ANSWER_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise FetchError(f"POST {url}: {str(error) or type(error).__name__}") from None
    finally:
        connection.close()
