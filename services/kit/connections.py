"""How many connections a process has, to other services and to its database, asked whenever somebody reads the metrics.

Neither aiohttp 3.14 nor SQLAlchemy 2.0 tells in public who waits, and their events would cost every request something; so this
reads what they count for themselves. tests/services/kit/test_connections.py pins what it relies on.
"""

import aiohttp
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from observability import names
from observability.metrics import Metrics


def show_client(metrics: Metrics, connector: aiohttp.BaseConnector, traffic: str) -> None:
    """Makes the gauges tell of the connections of a client session; `traffic` is whose calls it makes."""
    metrics.client_connections.read_from(
        lambda: (
            ((names.CONNECTION_ACTIVE, traffic), len(connector._acquired)),  # noqa: SLF001 - see above.
            ((names.CONNECTION_IDLE, traffic), sum(map(len, connector._conns.values()))),  # noqa: SLF001 - see above.
        )
    )
    metrics.client_connections_max.read_from(lambda: [((traffic,), connector.limit)])
    waiters = connector._waiters  # noqa: SLF001 - see above.
    metrics.client_pending.read_from(lambda: [((traffic,), sum(map(len, waiters.values())))])


def show_database(metrics: Metrics, engine: AsyncEngine, pool: str) -> None:
    """Makes the gauges tell of the connections of an engine, whose pool is called `pool`."""
    metrics.db_connections.read_from(
        lambda: (
            ((names.CONNECTION_USED, pool), _pool(engine).checkedout()),
            ((names.CONNECTION_IDLE, pool), _pool(engine).checkedin()),
        )
    )
    metrics.db_connections_max.read_from(lambda: [((pool,), _max(_pool(engine)))])
    metrics.db_pending.read_from(lambda: [((pool,), _waiting(_pool(engine)))])


def _pool(engine: AsyncEngine) -> QueuePool:
    """Asked for anew each time: an engine that is disposed of takes another one."""
    pool = engine.sync_engine.pool
    assert isinstance(pool, QueuePool)  # noqa: S101 - as services.kit.database makes them.
    return pool


def _max(pool: QueuePool) -> int:
    return pool.size() + pool._max_overflow  # noqa: SLF001 - see above.


def _waiting(pool: QueuePool) -> int:
    return len(pool._pool._queue._getters)  # type: ignore[attr-defined]  # noqa: SLF001 - see above.
