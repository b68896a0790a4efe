"""Runs a service's application in this process until it is told to end."""

import gc
import os
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

# What uvicorn and SQLAlchemy would import only when they start: here, a process forked from a warmed parent shares it.
import uvicorn
import uvicorn.lifespan.on
import uvicorn.loops.uvloop
from fastapi import FastAPI

from observability.notify import notify_ready
from services.document import DocumentError
from services.kit.migrations.errors import SchemaError
from services.kit.migrations.readiness import wait_for_head
from services.kit.migrations.revisions import Revisions
from services.kit.protocol import BoundedProtocol
from services.kit.settings import Settings, SettingsError

BACKLOG = 1_024
GRACE_S = 2
"""For requests under way when the process is told to end; the supervisor kills after 3."""
KEEP_ALIVE_S = 20
"""Longer than callers keep an idle connection (aiohttp: 15 s; uvicorn by itself: 5 s). Were the server the first to close it, it
could do so while the next request is written, which then fails although nobody is ill."""
SWITCH_INTERVAL_S = 0.0005
"""The exporter's thread otherwise holds the interpreter for 5 ms at a time, and with it the p99."""


def main(create_app: Callable[[Settings], FastAPI]) -> None:
    """Entry of every service: settings from the environment, then serve.

    Exits with 2, after one line that says why, on unusable settings and on a database that cannot be used.
    """
    signal.signal(signal.SIGTERM, _end)  # uvicorn raises the signal again once it has shut down; ending is then no failure.
    try:
        settings = Settings.from_environment(os.environ)
        app = create_app(settings)
        listener = _listen(settings)
    except (SettingsError, DocumentError, ValueError, OSError) as error:
        _refuse(error)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        _Server(_config(app), settings).run(sockets=[listener])
    except SchemaError as error:
        _refuse(error)


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )


class _Server(uvicorn.Server):
    """Starts the application once its database is at head, and tells the supervisor once requests are accepted."""

    def __init__(self, config: uvicorn.Config, settings: Settings) -> None:
        super().__init__(config)
        self._settings = settings

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await _database_at_head(self._settings)
        await super().startup(sockets)
        if self.started and sockets:
            gc.collect()
            gc.freeze()  # What start-up made lives as long as the process: no collection need look at it again.
            notify_ready(self._settings.instance, sockets[0].getsockname()[1])


async def _database_at_head(settings: Settings) -> None:
    """Raises SchemaError; a service without data, or without migrations, waits for nothing."""
    service = settings.load_topology().services.get(settings.service)
    revisions = Revisions.of(settings.service, service.module) if service and service.database else None
    if revisions is not None:
        await wait_for_head(settings.database_url, revisions)


def _refuse(error: Exception) -> NoReturn:
    print(error, file=sys.stderr)  # noqa: T201 - a line that people read, whether logging is configured or not.
    sys.exit(2)


def _listen(settings: Settings) -> socket.socket:
    listener = socket.create_server((settings.host, settings.port), backlog=BACKLOG, reuse_port=False)
    listener.set_inheritable(False)
    return listener


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)
