"""A process that partitions cut off."""

import pytest

from chaos.inject.asgi import App
from chaos.inject.leases import LeaseTable
from tests.chaos.partition.workshop import around
from tests.chaos.requests import Echo, HandClock, Notes, Scissors


@pytest.fixture
def table(clock: HandClock, notes: Notes) -> LeaseTable:
    return LeaseTable(service="orders", clock=clock, observer=notes, max_held=3)


@pytest.fixture
def app(echo: Echo, table: LeaseTable, scissors: Scissors) -> App:
    return around(echo, table, scissors)
