"""Whose keeper need not be asked whether it holds a fault: who answers has not been stopped."""

import http.client
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from chaos.targets.compose.engine import Container
from chaos.targets.compose.project import HOST, SERVICE_PORT

PATIENCE_S: Final = 0.2
"""Who takes longer is asked about, which costs time and nothing else; a service that has something to do takes 5 ms."""
_PATH: Final = "/health/live"
_MAX_PARALLEL: Final = 16


def doubtful(containers: Mapping[str, Container]) -> dict[str, Container]:
    """Those whose service does not answer at once: it may be paused, or killed inside of its container and held down.

    A pause stops the process that answers here, and a keeper knows no other faults. To start a program in each container, which
    is how its keeper is asked, takes ten times as long.
    """
    with ThreadPoolExecutor(_MAX_PARALLEL) as pool:
        answered = dict(zip(containers, pool.map(_answers, containers.values()), strict=True))
    return {name: each for name, each in containers.items() if not answered[name]}


def _answers(container: Container) -> bool:
    connection = http.client.HTTPConnection(HOST, container.ports.get(SERVICE_PORT, 0), timeout=PATIENCE_S)
    try:
        connection.request("GET", _PATH, headers={"Connection": "close"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
