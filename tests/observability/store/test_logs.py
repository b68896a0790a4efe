from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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
            "logger": "services.orders",
            "body": "deliveries timed out",
            "attributes": {"shop": "orders"},
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


async def test_records_of_several_services_are_found_together(client: Client) -> None:
    await client.add_logs("orders", (1, 9, "one", b""), (4, 9, "four", b""))
    await client.add_logs("payments", (2, 9, "two", b""))
    await client.add_logs("gateway", (3, 9, "three", b""))
    assert await bodies(client, "service=orders&service=payments") == ["one", "two", "four"]
    assert await bodies(client, "service=orders&service=payments&limit=2") == ["two", "four"]
    assert await bodies(client, "service=orders&service=nobody") == ["one", "four"]


async def test_records_are_found_by_text_in_their_message_logger_or_fields(client: Client) -> None:
    await client.add_logs("orders", (1, 9, "Breaker is open", TRACE), (2, 9, "placed", TRACE), (3, 9, "placed", b""))
    assert await bodies(client, "grep=bReAkEr") == ["Breaker is open"]
    assert await bodies(client, f"grep=breaker&trace_id={TRACE.hex()}") == ["Breaker is open"]
    assert await bodies(client, f"grep=placed&trace_id={TRACE.hex()}") == ["placed"]
    assert await bodies(client, "grep=services.orders&limit=2") == ["placed", "placed"]
    assert await bodies(client, "grep=shop=orders&limit=1") == ["placed"]
    assert await bodies(client, "grep=nowhere") == []


@pytest.mark.parametrize(("word", "found"), [("warn", 2), ("warning", 2), ("critical", 1), ("fatal", 1)])
async def test_levels_may_be_called_as_python_calls_them(client: Client, word: str, found: int) -> None:
    await client.add_logs("orders", (1, 9, "info", b""), (2, 13, "warn", b""), (3, 21, "fatal", b""))
    assert len(await bodies(client, f"level={word}")) == found


async def test_more_services_than_a_query_may_name_are_refused(client: Client) -> None:
    many = "&".join(f"service=s{number}" for number in range(51))
    assert "at most 50" in (await client.problems(f"/api/logs?{many}"))[0]


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
