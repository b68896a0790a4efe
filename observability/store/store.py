"""The store put together: writer, queries and the ASGI application that serves both sides."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from starlette.types import ASGIApp, Receive, Scope, Send

from observability.store.api import QueryApi, query_app
from observability.store.budget import ByteBudget
from observability.store.catalog import Catalog
from observability.store.dependencies import Dependencies
from observability.store.errors import StoreUnusableError
from observability.store.file_lock import FileLock
from observability.store.ingest import Ingest
from observability.store.logs import Logs
from observability.store.page import Page
from observability.store.reader import Reader
from observability.store.receiver import MAX_WAITING_BYTES, receiver_app
from observability.store.retention import Retention
from observability.store.schema import fold, open_for_reading, open_for_writing
from observability.store.settings import StoreSettings
from observability.store.store_metrics import StoreMetrics
from observability.store.traces import Traces
from observability.store.writer import Writer

_CLOSE_TIMEOUT_S = 2.0  # The supervisor kills a process that has not gone three seconds after SIGTERM.


class Store:
    """One open telemetry file with both of its ASGI applications.

    Raises:
        StoreUnusableError: The file cannot be opened.
    """

    def __init__(self, settings: StoreSettings, *, max_waiting_bytes: int = MAX_WAITING_BYTES) -> None:
        self._path = settings.path
        self._lock = FileLock(settings.path)
        try:
            connection = open_for_writing(settings.path, settings.max_size_mib)
        except StoreUnusableError:
            self._lock.close()
            raise
        catalog = Catalog(connection)
        retention = Retention(
            connection, catalog, max_size_mib=settings.max_size_mib, max_age_s=settings.max_age_s, clock_s=time.time
        )
        metrics = StoreMetrics(settings.path, settings.max_size_mib)
        self._writer = Writer(connection, Ingest(connection, catalog, time.time), retention, metrics, time.monotonic)
        self._reading = open_for_reading(settings.path)
        # One thread, because a connection and its opened chunks are not for two at once.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="store-reader")
        reader = Reader(self._reading, time.monotonic)
        api = QueryApi(Traces(reader), Dependencies(reader), Logs(reader), self._executor, time.time)
        self.query = query_app(api, Page(), self._writer, metrics)
        self.receiver = receiver_app(self._writer, ByteBudget(max_waiting_bytes, metrics.waiting_bytes.set), metrics)

    def start(self) -> None:
        """Starts writing."""
        self._writer.start()

    def close(self) -> None:
        """Writes what is queued, ends running queries and closes the file."""
        self._writer.close(_CLOSE_TIMEOUT_S)
        with closing(self._reading):
            self._reading.interrupt()
            self._executor.shutdown(cancel_futures=True)
        fold(self._path)
        self._lock.close()


class TwoSides:
    """One ASGI application for two listeners: the port that a request came in by decides its side."""

    def __init__(self, query: ASGIApp, receiver: ASGIApp, otlp_port: int) -> None:
        self._query = query
        self._receiver = receiver
        self._otlp_port = otlp_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on to its side."""
        side = self._receiver if scope["server"][1] == self._otlp_port else self._query
        await side(scope, receive, send)
