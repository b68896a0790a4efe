"""Composition of payments."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.kit import serve
from services.kit.app import create_service
from services.kit.kit import Kit
from services.kit.settings import Settings
from services.payments import api, audit
from services.payments.acquirer import Acquirer
from services.payments.processor import Processor
from services.payments.store import PaymentStore


@asynccontextmanager
async def start(kit: Kit) -> AsyncIterator[Processor]:
    """Opens the database and the line to the acquirer."""
    external = kit.settings.load_topology().services[kit.settings.service].external
    async with kit.database() as database:
        yield Processor(PaymentStore(database), Acquirer(external, kit.telemetry))


def create_app(settings: Settings) -> FastAPI:
    """The application."""
    return create_service(settings, [api.router, audit.router], start)


def main() -> None:
    """Serves it."""
    serve.main(create_app)


if __name__ == "__main__":
    main()
