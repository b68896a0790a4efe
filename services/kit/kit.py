"""What every service is handed: its settings, caller, database and telemetry."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp.abc import AbstractResolver

from chaos.inject.leases import LeaseTable
from observability import names
from observability.loop_lag import watched_loop
from observability.telemetry import Telemetry
from services.addresses import registry_at
from services.kit.caller import Caller
from services.kit.connections import show_client
from services.kit.counters import begin_events, begin_service
from services.kit.database import Database
from services.kit.discovery import RegistryFileResolver, Resolver, StaticResolver
from services.kit.events.bus import Bus
from services.kit.events.publisher import Publisher
from services.kit.events.push import PushBus
from services.kit.events.service import Events, Handlers, running_events
from services.kit.events.tables import EventTables
from services.kit.internal import INTERNAL_TOKEN_HEADER
from services.kit.lookup import known_addresses
from services.kit.policies.live import LivePolicies
from services.kit.resilience.limit import Limiter
from services.kit.settings import Settings
from services.kit.transport import HttpTransport
from services.policy import EdgePolicy
from services.policy.change import Policies
from services.topology import Topology, split_edge

RELAY_POLICY = EdgePolicy.model_validate({"timeout": {"attempt": "1s"}})
"""Of events and of compensation, whatever the profile: that what was begun is finished is no option to switch off."""


@dataclass(frozen=True)
class Kit:
    """Made once a process, inside its event loop."""

    settings: Settings
    topology: Topology
    telemetry: Telemetry
    caller: Caller
    relay_caller: Caller
    limiter: Limiter
    rng: random.Random
    opened_events: list[Events] = field(default_factory=list)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """The service's own database, for as long as the context is open."""
        database = Database(self.settings.database_url, self.telemetry.tracer, self.settings.service)
        database.show_in(self.telemetry.metrics)
        try:
            yield database
        finally:
            await database.close()

    @asynccontextmanager
    async def events(self, database: Database, tables: EventTables, handlers: Handlers) -> AsyncIterator[Publisher]:
        """Publishes and takes the service's events for as long as the context is open.

        Args:
            database: The service's own.
            tables: Its tables of events.
            handlers: Makes its handlers by type of event.
        """
        bus = self._bus()
        begin_events(self.telemetry.metrics, self.settings.service, self.topology, bus.destinations)
        async with running_events(database, tables, handlers, bus, self.telemetry) as events:
            self.opened_events.append(events)
            try:
                yield events.publisher
            finally:
                self.opened_events.remove(events)

    def _bus(self) -> Bus:
        if not self.settings.nats_url:
            return PushBus(self.settings.service, self.topology, self.relay_caller)
        # A broker's client costs each process 7 MiB and 0.08 s of CPU, which a system without one is spared.
        from services.kit.events.jetstream import JetStreamBus  # noqa: PLC0415

        return JetStreamBus(self.settings, self.topology)


@asynccontextmanager
async def assemble(
    settings: Settings, topology: Topology, telemetry: Telemetry, leases: LeaseTable, live: LivePolicies, limiter: Limiter
) -> AsyncIterator[Kit]:
    """Opens the client session, and closes it in the end."""
    policies = {split_edge(edge)[1]: policy for edge, policy in live.in_force.edges.items()}
    rng = random.Random(f"{settings.seed}/{settings.instance}")
    resolver = _resolver(settings, topology)
    headers = {INTERNAL_TOKEN_HEADER: settings.internal_token}
    connections = topology.services[settings.service].max_connections
    metrics = telemetry.metrics
    begin_service(metrics, settings.service, topology)
    async with (
        known_addresses() as lookup,
        _connector(connections, lookup) as foreground,
        # With connections of its own: calls that hang for want of a policy may hold all of the others.
        _connector(connections, lookup) as background,
        _session(headers, foreground) as session,
        _session(headers, background) as relay_session,
    ):
        show_client(metrics, foreground, names.TRAFFIC_FOREGROUND)
        show_client(metrics, background, names.TRAFFIC_BACKGROUND)
        caller = Caller(settings.service, policies, resolver, HttpTransport(session, leases), telemetry, rng)
        relay_policies = dict.fromkeys(policies, RELAY_POLICY)
        transport = HttpTransport(relay_session, leases)
        relay_caller = Caller(settings.service, relay_policies, resolver, transport, telemetry, rng, names.TRAFFIC_BACKGROUND)
        loop = asyncio.get_running_loop()
        with live.adopted_by(lambda changed: _adopt(changed, caller, limiter)), watched_loop(loop, metrics.loop_lag.observe):
            yield Kit(settings, topology, telemetry, caller, relay_caller, limiter, rng)


def _resolver(settings: Settings, topology: Topology) -> Resolver:
    if settings.addresses:
        return StaticResolver(registry_at(topology, settings.addresses))
    return RegistryFileResolver(settings.registry)


def _adopt(policies: Policies, caller: Caller, limiter: Limiter) -> None:
    """Puts what differs in force. The relay's calls keep their own policy, whatever is changed."""
    for edge, policy in policies.edges.items():
        callee = split_edge(edge)[1]
        if caller.policy(callee) != policy:
            caller.adopt(callee, policy)
    limiter.adopt(policies.limit)


def _connector(connections: int, lookup: AbstractResolver) -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(limit=connections, resolver=lookup, use_dns_cache=False)


def _session(headers: dict[str, str], connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=connector, headers=headers, auto_decompress=False)
