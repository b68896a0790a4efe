"""Composition of the gateway."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.gateway.api import router
from services.gateway.asking import Gateway, Limits
from services.gateway.deprecation import DEPRECATED, DeprecationMiddleware
from services.gateway.room import SIGNING_IN, Room
from services.gateway.tokens import Tokens
from services.kit import serve
from services.kit.app import create_service
from services.kit.kit import Kit
from services.kit.settings import Settings, SettingsError

MIN_KEY = 32
"""Characters; RFC 7518 wants a key as long as the hash."""


@asynccontextmanager
async def start(kit: Kit) -> AsyncIterator[Gateway]:
    """Nothing to open: the gateway keeps nothing."""
    settings = kit.settings
    yield Gateway.of(Tokens(settings.signing_key), Limits.of(settings, time.monotonic), Room(SIGNING_IN), kit.caller)


def create_app(settings: Settings) -> FastAPI:
    """The application. Raises SettingsError without a signing key: tokens that anybody can sign are worse than none."""
    if len(settings.signing_key) < MIN_KEY:
        raise SettingsError(f"FIREBREAK_SIGNING_KEY: must have at least {MIN_KEY} characters")
    app = create_service(settings, [router], start)
    app.add_middleware(DeprecationMiddleware, deprecated=DEPRECATED)
    return app


def main() -> None:
    """Serves it."""
    serve.main(create_app)


if __name__ == "__main__":
    main()
