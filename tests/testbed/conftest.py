"""A small system of real processes: a shop that calls nobody, in a package of its own."""

import contextlib
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testbed.control import NotRunningError
from testbed.launch import LaunchOptions, stop

SERVICE = """
import http.server, os, signal, sys, time
from observability.notify import notify_ready

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass

def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print('{"level": "info", "message": "begins"}')
    if "SILENT" in os.environ:
        time.sleep(60)
    if "BROKEN" in os.environ:
        sys.exit("a part is missing")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["FIREBREAK_PORT"])), Handler)
    name = os.environ["FIREBREAK_SERVICE"] + "/" + os.environ["FIREBREAK_REPLICA"]
    notify_ready(name, server.server_address[1])
    server.serve_forever()

if __name__ == "__main__":
    main()
"""
TOPOLOGY = """
services:
  shop: {module: small_shop, port: 18080, entry: true}
  stock: {module: small_shop, replicas: 2}
"""


@pytest.fixture
def small_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., LaunchOptions]]:
    """Options that start the small system on free ports; what still runs afterwards is stopped."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "small_shop.py").write_text(textwrap.dedent(SERVICE))
    topology = tmp_path / "shop.yaml"
    topology.write_text(TOPOLOGY)
    monkeypatch.setenv("PYTHONPATH", str(package))
    states: list[Path] = []

    def options(state: Path = tmp_path / "state", **changes: object) -> LaunchOptions:
        states.append(state)
        return LaunchOptions(**{"state": state, "topology": topology, "free_ports": True, **changes})  # type: ignore[arg-type]  # the test's own words

    yield options
    for state in states:
        with contextlib.suppress(NotRunningError):  # Some tests have it end by itself, which may be now.
            stop(state)
