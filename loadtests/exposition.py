"""Serves the load generator's metrics, in steps so small that no arrival waits for them."""

import logging
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import gevent
import gevent.socket
from gevent.pywsgi import WSGIServer
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

PATH: Final = "/metrics"
_BACKLOG: Final = 8
_END: Final = b"# EOF\n"

log = logging.getLogger(__name__)


class Exposition:
    """An HTTP server in greenlets of this process. A port that is taken costs the metrics, not the load.

    Args:
        registry: What is served.
        host: The interface.
        port: Where; 0 takes a free one.
    """

    def __init__(self, registry: CollectorRegistry, host: str, port: int) -> None:
        self._registry = registry
        self._server: WSGIServer | None = None
        self.port = port
        """Where it listens."""
        listener = gevent.socket.socket()
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            log.warning("Metrics of the load are not served: %s:%d: %s", host, port, error.strerror)
            return
        self.port = listener.getsockname()[1]
        self._server = WSGIServer(listener, self._answer, log=None, error_log=None)
        self._server.start()
        log.info("Metrics of the load: http://%s:%d%s", host, self.port, PATH)

    def close(self) -> None:
        """Ends the server and its connections."""
        if self._server is not None:
            self._server.stop(timeout=0)

    def _answer(self, environment: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        if environment["PATH_INFO"] != PATH or environment["REQUEST_METHOD"] != "GET":
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"Not Found"]
        start_response("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
        return self._text()

    def _text(self) -> Iterator[bytes]:
        for family in self._registry.collect():
            yield generate_latest(_One(family)).removesuffix(_END)  # type: ignore[no-untyped-call]  # it is untyped
            gevent.sleep(0)  # An arrival whose instant has come goes first.
        yield _END


class _One:
    """As much of a registry as the library asks for, around one family of metrics."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return [self._family]
