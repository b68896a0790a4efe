from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.observability.store.conftest import Client, Spans

TRACE = bytes.fromhex("0af7651916cd43dd8448eb211c80319c")
T0_US = 1_767_225_600_000_000


async def bodies(client: Client, query: str = "") -> list[str]:
    return [line["body"] for line in await client.data(f"/api/logs?{query}")]


async def test_a_log_record_is_shown_with_its_time_level_sender_and_trace(client: Client) -> None:
    await client.add_logs("orders", (2, 13, "deliveries timed out", TRACE))
    assert await client.data("/api/logs") == [
        {
            "time_us": T0_US + 2_000_000,
            "level": "warn",
            "severity": 13,
            "service": "orders",
            "instance": "orders/1",
            "trace_id": TRACE.hex(),
            "span_id": "",
            "body": "deliveries timed out",
            "attributes": {},
        }
    ]


async def test_the_limit_keeps_the_most_recent_records_and_shows_them_oldest_first(client: Client) -> None:
    await client.add_logs("orders", (1, 9, "one", b""), (5, 9, "five", b""))
    await client.add_logs("payments", (2, 9, "two", b""), (4, 9, "four", b""))
    await client.add_logs("gateway", (3, 9, "three", b""))
    assert await bodies(client, "limit=3") == ["three", "four", "five"]


async def test_records_are_found_by_service_level_and_time(client: Client) -> None:
    await client.add_logs("orders", (1, 9, "info", b""), (2, 17, "error", b""), (3, 21, "fatal", b""))
    await client.add_logs("payments", (2, 17, "elsewhere", b""))
    assert await bodies(client, "service=orders&level=error") == ["error", "fatal"]
    assert await bodies(client, f"since={T0_US + 2_000_001}") == ["fatal"]
    assert await bodies(client, "since=1s") == []
    assert await bodies(client, "service=nobody") == []


async def test_records_of_a_trace_are_found_by_its_id(client: Client) -> None:
    await client.add_logs("orders", (1, 9, "mine", TRACE), (2, 9, "other", bytes(15) + b"\1"), (3, 9, "none", b""))
    await client.add_logs("payments", (2, 17, "also mine", TRACE))
    assert await bodies(client, f"trace_id={TRACE.hex()}") == ["mine", "also mine"]
    assert await bodies(client, f"trace_id={TRACE.hex()}&service=payments") == ["also mine"]
    assert await bodies(client, f"trace_id={TRACE.hex()}&level=error") == ["also mine"]
    assert await bodies(client, "trace_id=ff") == []


async def test_a_trace_of_which_only_logs_are_kept_is_no_trace(client: Client, span: Spans) -> None:
    await client.add_logs("orders", (1, 9, "mine", TRACE))
    assert (await client.get(f"/api/traces/{TRACE.hex()}")).status == 404
