"""How a service is put together: the one place where telemetry, errors, health, limits and chaos meet the routes."""

import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

from fastapi import APIRouter, FastAPI

from chaos.inject.leases import LeaseTable
from chaos.inject.middleware import ChaosMiddleware
from chaos.inject.partition import PartitionMiddleware
from observability.telemetry import Origin, Telemetry, create_telemetry
from services.kit.answers import install_error_mapping
from services.kit.body_limit import BodyLimitMiddleware
from services.kit.busy import install_busy_mapping
from services.kit.counters import begin_routes
from services.kit.deadlines import DeadlineMiddleware
from services.kit.events.api import router as events_router
from services.kit.head import HeadMiddleware
from services.kit.kit import Kit, assemble
from services.kit.limits import LimitMiddleware, limit_responses
from services.kit.observer import ChaosTelemetry
from services.kit.operations import router as operations_router
from services.kit.policies.leases import PolicyLeases
from services.kit.policies.live import LivePolicies
from services.kit.policies.messages import PATH as POLICY_PATH
from services.kit.policies.middleware import PolicyMiddleware
from services.kit.priorities import PriorityMiddleware
from services.kit.problems import name_media_type
from services.kit.request_ids import RequestIdMiddleware
from services.kit.resilience.limit import Limiter
from services.kit.settings import Settings
from services.policy.change import Policies, profiled
from services.topology import Topology, split_edge

Service = TypeVar("Service")
MAX_BODY_BYTES = 64 * 1024
"""Of a request; those that services exchange are not a tenth of it."""
Start = Callable[[Kit], AbstractAsyncContextManager[Service]]
"""Opens what a service is made of; what it yields becomes `app.state.service`."""


class _Application(FastAPI):
    """FastAPI, whose document names the media type of problems."""

    def openapi(self) -> dict[str, Any]:
        return name_media_type(super().openapi())


def create_service(settings: Settings, routers: list[APIRouter], start: Start[Service]) -> FastAPI:
    """A FastAPI application ready to be served.

    A request passes, outside in: server span, metrics, partitions, request id, bound of the head, changes of policies, urgency,
    limit, other faults, deadline, bound of the body, routes.

    Raises:
        DocumentError: The topology cannot be used.
        ValueError: A switched-off pattern or edge does not exist.
    """
    topology = settings.load_topology()
    origin = Origin(settings.service, settings.instance, settings.run_id, settings.arm)
    telemetry = create_telemetry(
        origin,
        settings.otlp_endpoint or None,
        settings.log_level,
        replace(settings.trace_options, strangers=topology.services[settings.service].entry),
        settings.secrets,
        settings.otlp_logs_endpoint,
    )
    leases = _lease_table(settings, topology, telemetry)
    policies = _policies(settings, topology, telemetry)
    limiter = Limiter(policies.in_force.limit, telemetry.metrics)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with assemble(settings, topology, telemetry, leases, policies, limiter) as kit, start(kit) as service:
                app.state.kit = kit
                app.state.service = service
                yield
        finally:
            telemetry.shutdown()

    app = _Application(
        title=settings.service,
        version="1",
        description=_purpose(topology.services[settings.service].module),
        lifespan=lifespan,
        # What services offer each other is in docs/api; only the entry tells strangers what there is.
        openapi_url="/openapi.json" if topology.services[settings.service].entry else None,
        # FastAPI has telemetry of its own; beside ours every request would be traced twice.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.settings = settings
    app.state.telemetry = telemetry
    install_error_mapping(app)
    install_busy_mapping(app)
    has_events = any(settings.service in (route.producer, *route.consumers) for route in topology.events.values())
    # A request is matched against one router after the other, so what is asked most stands first.
    for router in [*routers, *([events_router] if has_events else [])]:
        app.include_router(router, responses=limit_responses(router, topology.services[settings.service].limit))
        begin_routes(telemetry.metrics, router.routes)
    app.include_router(operations_router)
    app.add_middleware(BodyLimitMiddleware, max_bytes=MAX_BODY_BYTES)
    app.add_middleware(DeadlineMiddleware, metrics=telemetry.metrics, deaf=lambda: leases.cut_off)
    app.add_middleware(ChaosMiddleware, table=leases, token=settings.chaos_token or None)
    app.add_middleware(LimitMiddleware, limiter=limiter)  # Around chaos: a fault stands for the service being slow.
    if not topology.services[settings.service].entry:
        app.add_middleware(PriorityMiddleware)
    app.add_middleware(PolicyMiddleware, policies=policies, token=settings.chaos_token or None)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(RequestIdMiddleware)
    app.add_middleware(PartitionMiddleware, table=leases, beside=(POLICY_PATH,))  # Around all that answers for the routes.
    telemetry.instrument(app)
    return app


def _purpose(module: str) -> str:
    """What the service's package says of itself; its `main` is running, so it is imported."""
    package = sys.modules.get(module.rpartition(".")[0])
    return (package.__doc__ if package else None) or ""


def _policies(settings: Settings, topology: Topology, telemetry: Telemetry) -> LivePolicies:
    """Raises ValueError when a pattern is switched off that does not exist."""
    own = {edge: policy for edge, policy in topology.edges.items() if split_edge(edge)[0] == settings.service}
    declared = Policies(settings.service, own, topology.services[settings.service].limit)
    started = profiled(declared, settings.profile, settings.switches(topology))
    return LivePolicies(PolicyLeases(declared, started, time.monotonic), telemetry.metrics.policy_leases.set)


def _lease_table(settings: Settings, topology: Topology, telemetry: Telemetry) -> LeaseTable:
    table = LeaseTable(
        service=settings.service,
        edges=[f"{settings.service}->{callee}" for callee in topology.callees(settings.service)],
        seed=f"{settings.seed}/{settings.instance}",
        observer=ChaosTelemetry(telemetry.metrics),
    )
    telemetry.metrics.active_faults.read_from(lambda: table.in_force().items())
    return table
