"""The store's process: `python -m observability.store.main`, with its settings in the environment (settings.py).

It serves two listeners on one event loop: Jaeger's query API and a page on one, OTLP over HTTP on the other. SIGTERM ends it
with exit code 0, once what was accepted is written; a setting, port or file that it cannot use is said on stderr, code 2.
"""

import asyncio
import os
import signal
import socket
import sys
from types import FrameType
from typing import Final, NoReturn

import uvicorn
import uvloop

from observability.notify import notify_ready
from observability.store.errors import StoreUnusableError
from observability.store.log_lines import log_to_stderr
from observability.store.settings import StoreSettings
from observability.store.store import Store, TwoSides

EXIT_UNUSABLE: Final = 2
_EXIT_INTERRUPTED: Final = 130
_MAX_CONNECTIONS: Final = 256  # Beyond it a request is answered 503: some fifty senders and readers keep one or two each.
_KEEP_ALIVE_S: Final = 75  # Longer than exporters rest between batches, so that they need not connect again for each.
_STALLED_MS: Final = 20_000  # A reader that takes nothing for so long is hung up on: it would hold its connection for ever.
_DRAIN_S: Final = 1  # For answers under way at SIGTERM.


class _Server(uvicorn.Server):
    """Tells the supervisor once both sockets accept connections."""

    def __init__(self, config: uvicorn.Config, instance: str) -> None:
        super().__init__(config)
        self._instance = instance

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to accept, then says so."""
        await super().startup(sockets)
        query, otlp = (each.getsockname()[1] for each in sockets or [])
        notify_ready(self._instance, query, otlp)


def main() -> None:
    """Serves until SIGTERM (exit code 0) or Ctrl-C (130)."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        settings = StoreSettings.from_environment(os.environ)
        log_to_stderr(settings.log_level, settings.instance)
        _serve(settings)
    except StoreUnusableError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(EXIT_UNUSABLE)


def _serve(settings: StoreSettings) -> None:
    sockets = [
        _listen(settings.host, settings.port, "FIREBREAK_PORT"),
        _listen(settings.host, settings.otlp_port, "FIREBREAK_OTLP_PORT"),
    ]
    store = Store(settings)
    config = uvicorn.Config(
        TwoSides(store.query, store.receiver, sockets[1].getsockname()[1]),
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_DRAIN_S,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(_Server(config, settings.instance), store, sockets))


async def _run(server: uvicorn.Server, store: Store, sockets: list[socket.socket]) -> None:
    store.start()
    try:
        await server.serve(sockets=sockets)
    finally:
        await asyncio.to_thread(store.close)


def _listen(host: str, port: int, variable: str) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        text = f"{variable} {port}: cannot listen on {host}: {error.strerror or error}; free it, or set 0 for any free port"
        raise StoreUnusableError(text) from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; accepted connections inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MS)
    return listener


def _leave(number: int, _: FrameType | None) -> NoReturn:
    """Ends the process. The server holds back a signal while it serves, and passes it on here once it has stopped."""
    sys.exit(0 if number == signal.SIGTERM else _EXIT_INTERRUPTED)


if __name__ == "__main__":
    main()
