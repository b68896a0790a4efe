"""The map of the system: services, replicas, and the edges between them with the policy of each.

One file is the truth. The supervisor starts what it lists, callers take their policies from it, and experiments are checked
against it. What is wrong in it is named with its line.
"""

import re
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from services.document import Document, DocumentError, Frozen, Mistake, parse_document, read_text
from services.duration import DurationMs
from services.policy import EdgePolicy, Limit, Switch

MAX_SERVICES = 50
MAX_REPLICAS = 16
MAX_SLOTS = 1_000
CLIENT_MAX_CONNECTIONS = 100
"""aiohttp's default connection limit, shared by all edges of a process."""
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,30}\.[a-z][a-z0-9_]{0,30}")


class External(Frozen):
    """A simulated system outside that a service depends on: every call takes `service_time`, and a replica has `slots` of them.

    A replica's capacity is `slots / service_time` calls a second, whatever the processor: what waits for a slot costs no cycles.
    So scaling and overload can be measured on a small machine.
    """

    service_time_ms: DurationMs
    slots: Annotated[int, Field(ge=1, le=MAX_SLOTS)]


class Service(Frozen):
    """One service: a Python module with a `main()`, how many processes of it run, and what it listens on."""

    module: str = Field(pattern=r"^[A-Za-z_][\w.]*$", description="started as `python -m module`")
    replicas: Annotated[int, Field(ge=1, le=MAX_REPLICAS)] = 1
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    database: bool = False
    entry: bool = False
    """The one service that customers reach."""
    external: External | None = None
    limit: Limit | None = None
    """Of what each of its processes works on at once."""
    max_connections: Annotated[int, Field(ge=1, le=10_000)] = CLIENT_MAX_CONNECTIONS
    """Of the one pool that a process calls others from; without bulkheads one slow callee may hold them all."""

    @model_validator(mode="after")
    def _one_port_one_process(self) -> Self:
        if self.port is not None and self.replicas > 1:
            raise ValueError(
                f"a fixed port ({self.port}) cannot serve {self.replicas} replicas; drop `port` or set `replicas: 1`"
            )
        return self


class Route(Frozen):
    """Who publishes a type of event, and who consumes it."""

    producer: str
    consumers: tuple[str, ...] = Field(min_length=1)


class Topology(Frozen):
    """Services by name, edges by `caller->callee`, and events by type (`order.accepted`)."""

    services: dict[str, Service] = Field(min_length=1, max_length=MAX_SERVICES)
    edges: dict[str, EdgePolicy] = Field(default_factory=dict)
    events: dict[str, Route] = Field(default_factory=dict)

    @property
    def entry(self) -> str:
        """Name of the service that customers reach."""
        return next(name for name, service in self.services.items() if service.entry)

    def switch(self, text: str) -> Switch:
        """Reads `breaker@orders->payments` or `limit`. Raises ValueError naming what is allowed."""
        return Switch.parse(text, tuple(self.edges), tuple(self.services))

    def callees(self, caller: str) -> tuple[str, ...]:
        """Services that `caller` may call."""
        return tuple(split_edge(edge)[1] for edge in self.edges if split_edge(edge)[0] == caller)


def split_edge(edge: str) -> tuple[str, str]:
    """`orders->payments` as (`orders`, `payments`). Raises ValueError on anything else."""
    caller, arrow, callee = edge.partition("->")
    if not arrow or not caller or not callee:
        raise ValueError(f"{edge!r} is no edge; write caller->callee")
    return caller, callee


def default_topology_path() -> Path:
    """FeastFast's own map, beside this module."""
    return Path(str(files("services") / "topology.yaml"))


def load_topology(path: Path | None = None) -> Topology:
    """Reads the map at `path` (FeastFast's by default). Raises DocumentError naming every mistake."""
    name = str(path or default_topology_path())
    return topology_from_text(read_text(Path(name), name), name)


@lru_cache(maxsize=1)
def topology_from_text(text: str, name: str = "topology.yaml") -> Topology:
    """The same, from text.

    The last one is kept: a supervisor has read it before it forks, so that its services need neither make nor hold their own.
    """
    return topology_of(parse_document(text, name))


def topology_of(document: Document) -> Topology:
    """The map that a document holds. Raises DocumentError naming every mistake."""
    topology = document.parse(Topology)
    mistakes = [*_services(document, topology), *_edges(document, topology), *_events(document, topology)]
    if mistakes:
        raise DocumentError(mistakes)
    return topology


def _services(document: Document, topology: Topology) -> list[Mistake]:
    mistakes = [
        document.mistake(("services", name), "is no service name; allowed: lower-case letters, digits and dashes, up to 31")
        for name in topology.services
        if not _NAME.fullmatch(name)
    ]
    entries = [name for name, service in topology.services.items() if service.entry]
    if len(entries) != 1:
        mistakes.append(document.mistake(("services",), f"exactly one service has `entry: true`, not {len(entries)}"))
    ports: dict[int, str] = {}
    for name, service in topology.services.items():
        if service.port is not None and service.port in ports:
            mistakes.append(document.mistake(("services", name, "port"), f"{service.port} is already {ports[service.port]}'s"))
        if service.port is not None:
            ports[service.port] = name
    return mistakes


def _edges(document: Document, topology: Topology) -> list[Mistake]:
    known = ", ".join(topology.services)
    mistakes = []
    for edge in topology.edges:
        try:
            ends = split_edge(edge)
        except ValueError as error:
            mistakes.append(document.mistake(("edges", edge), str(error)))
            continue
        mistakes += [
            document.mistake(("edges", edge), f"unknown service {end!r}; allowed: {known}")
            for end in ends
            if end not in topology.services
        ]
        if ends[0] == ends[1]:
            mistakes.append(document.mistake(("edges", edge), "a service does not call itself"))
    return mistakes


def _events(document: Document, topology: Topology) -> list[Mistake]:
    known = ", ".join(topology.services)
    mistakes = []
    for event, route in topology.events.items():
        if not _EVENT.fullmatch(event):
            mistakes.append(document.mistake(("events", event), "is no type of event; allowed: two words, as in order.accepted"))
        mistakes += [
            document.mistake(("events", event), f"unknown service {end!r}; allowed: {known}")
            for end in (route.producer, *route.consumers)
            if end not in topology.services
        ]
        # Pushed over HTTP unless there is a broker, and faults are injected on edges: so it has to be one.
        mistakes += [
            document.mistake(("events", event), f"needs the edge {route.producer}->{consumer}; declare it under edges")
            for consumer in route.consumers
            if f"{route.producer}->{consumer}" not in topology.edges
        ]
    return mistakes
