"""What tests of every package share: a PostgreSQL server of this run's own."""

import os
from collections.abc import Iterator

import pytest

from tests.postgres import HOW_TO_GET_IT, PostgresServer, find_binaries


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running server. Without one the test is skipped; in CI, where nothing may be missing, it fails."""
    binaries = find_binaries()
    if binaries is None:
        if os.environ.get("CI"):
            pytest.fail(HOW_TO_GET_IT)
        pytest.skip(HOW_TO_GET_IT)
    server = PostgresServer(binaries)
    try:
        server.start()
        yield server
    finally:
        server.stop()
