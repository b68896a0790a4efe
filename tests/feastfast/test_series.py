"""However strange what a system is asked, its metrics have no more series than its map, its routes and HTTP allow."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

import pytest

from observability import names
from observability.metrics import Metrics
from observability.request_metrics import METHODS, OTHER_METHOD
from tests.feastfast.test_metrics import metric_families

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.feastfast.system import FeastFast

pytestmark = pytest.mark.asyncio(loop_scope="module")

REQUESTS = 150
STRANGE_METHODS = ("GET", "POST", "DELETE", "PUT", "OPTIONS", "PROPFIND", "PURGE", "MKCOL", "SEARCH", "REPORT", "TRACE")
PATHS = ("/v1/orders", "/v1/restaurants/{}/menu", "/v1/orders/{}", "/{}", "/metrics{}", "/v1/{}/../orders", "/internal/events")
MAX_SERIES = 1_500
"""Of a replica, in all. It has some 300 when nothing has happened."""


def strange_requests(seed: int) -> Iterator[tuple[str, str, dict[str, str], bytes]]:
    """Methods, paths, headers and bodies that nobody meant."""
    random = Random(seed)
    for _ in range(REQUESTS):
        word = "".join(chr(random.randrange(0x61, 0x7B)) for _ in range(random.randrange(1, 40)))
        headers = {
            "Priority": random.choice((f"u={random.randrange(-9, 99)}", word, "u=99999999999999999999")),
            "traceparent": random.choice((word, f"00-{random.randbytes(16).hex()}-{random.randbytes(8).hex()}-01")),
            "baggage": f"firebreak.journey={word},firebreak.run={word},{word}={word}",
            "Idempotency-Key": word,
            "Authorization": f"Bearer {word}",
        }
        yield random.choice(STRANGE_METHODS), random.choice(PATHS).replace("{}", word), headers, random.randbytes(20)


async def ask_strangely(system: FeastFast, seed: int) -> None:
    async def ask(method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        await system.ask(method, path, body, headers=headers)

    for each in strange_requests(seed):
        await ask(*each)


async def series(system: FeastFast) -> dict[str, set[tuple[str, frozenset[tuple[str, str]]]]]:
    """Every series of every replica."""
    answers = await asyncio.gather(*(system.ask("GET", "/metrics", service=name) for name in system.replicas))
    return {
        name: {
            (sample.name, frozenset(sample.labels.items()))
            for family in metric_families(answer).values()
            for sample in family.samples
        }
        for name, answer in zip(system.replicas, answers, strict=True)
    }


async def test_strange_requests_make_series_once_and_never_again(shared: FeastFast) -> None:
    await shared.customer().order()
    for seed in range(4):  # Until every route has met every answer that it has for these.
        await ask_strangely(shared, seed)
    before = await series(shared)
    for seed in range(100, 102):
        await ask_strangely(shared, seed)
    after = await series(shared)
    new = {(name, labels) for replica, found in after.items() for name, labels in found - before[replica]}
    statuses = {dict(labels).get(names.LABEL_STATUS) for name, labels in new if name.endswith("_count")}
    assert len(new) <= 40, sorted(map(str, new))  # A route's answer that none of the first had met: a series or two of 17 lines.
    assert statuses <= {None, "401", "404", "405", "422", "429"}
    assert max(map(len, after.values())) <= MAX_SERIES


async def test_methods_and_routes_of_all_series_are_known_ones(shared: FeastFast) -> None:
    await ask_strangely(shared, 7)
    found = [dict(labels) for each in (await series(shared)).values() for _, labels in each]
    routes = {path for replica in shared.replicas.values() for path in replica.app.openapi()["paths"]}
    assert {labels[names.LABEL_METHOD] for labels in found if names.LABEL_METHOD in labels} <= METHODS | {OTHER_METHOD}
    assert {labels[names.LABEL_ROUTE] for labels in found if names.LABEL_ROUTE in labels} <= routes | {"none"}


async def test_whatever_a_caller_may_leave_is_counted_from_zero(shared: FeastFast) -> None:
    found = (await series(shared))["orders/1"]
    routes = {dict(labels)[names.LABEL_ROUTE] for name, labels in found if name == names.RESILIENCE_ABANDONED}
    assert {"/internal/orders", "/internal/orders/{order_id}"} <= routes
    assert "/metrics" not in routes


async def test_every_metric_of_a_service_has_a_series_somewhere_before_anything_goes_wrong(shared: FeastFast) -> None:
    await shared.customer().order()
    found = {name for each in (await series(shared)).values() for name, _ in each}
    kinds = found | {name.removesuffix("_count") for name in found}
    wanted = {family.name + ("_total" if family.type == "counter" else "") for family in Metrics().registry.collect()}
    # Faults in force have a series each while they are; nothing is exported here, so that nothing waits for it.
    assert wanted - kinds <= {names.CHAOS_ACTIVE, names.TELEMETRY_QUEUE, names.TELEMETRY_QUEUE_CAPACITY}
