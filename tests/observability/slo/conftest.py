"""The objectives of FeastFast."""

import pytest

from observability.slo.loader import Slos, load_slos
from services.topology import Topology, load_topology


@pytest.fixture(scope="session")
def topology() -> Topology:
    return load_topology()


@pytest.fixture(scope="session")
def slos(topology: Topology) -> Slos:
    return load_slos(None, topology)
