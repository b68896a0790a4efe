from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from observability.store.store_metrics import StoreMetrics

if TYPE_CHECKING:
    from pathlib import Path

    from tests.observability.store.conftest import Client, Spans


async def samples(client: Client) -> dict[str, float]:
    """Values by name, with the label `reason` behind it where there is one."""
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(answer.body.decode())  # type: ignore[no-untyped-call]
        for sample in family.samples
    }


async def test_what_was_taken_and_left_out_is_counted(client: Client, span: Spans) -> None:
    await client.add("orders", span(), span(), span(trace_id=bytes(16)))
    await client.add_logs("orders", (1, 9, "one", b""), (2, 9, "two", b""))
    shown = await samples(client)
    assert shown["telemetry_store_spans_total"] == 2
    assert shown["telemetry_store_invalid_spans_total"] == 1
    assert shown["telemetry_store_log_records_total"] == 2
    assert shown["telemetry_store_waiting_bytes"] == 0
    assert shown["process_resident_memory_bytes"] > 0


async def test_refused_uploads_are_counted_by_reason(client: Client) -> None:
    await client.post("/v1/traces", b"garbage")
    await client.post("/v1/traces", b"", content_type="text/plain")
    await client.post("/v1/logs", b"garbage")
    shown = await samples(client)
    assert shown["telemetry_store_rejected_total invalid"] == 2
    assert shown["telemetry_store_rejected_total unsupported"] == 1
    assert shown["telemetry_store_spans_total"] == 0


async def test_uploads_that_wait_for_their_commit_are_counted_in_bytes(starved: Client) -> None:
    starved.store.start()
    answered = await starved.post("/v1/traces", bytes(900), None)
    assert answered.status == 400
    assert (await samples(starved))["telemetry_store_rejected_total invalid"] == 1
    assert (await samples(starved))["telemetry_store_waiting_bytes"] == 0


async def test_the_file_is_shown_with_its_bound_and_the_age_of_what_it_keeps(client: Client, span: Spans) -> None:
    await client.add("orders", span())
    await client.add("orders", span())  # Answered before the writer looks at ages, but after it did so for the first.
    shown = await samples(client)
    assert 0 < shown["telemetry_store_file_bytes"] < shown["telemetry_store_file_max_bytes"] == 512 * 1024 * 1024
    assert 0 <= shown["telemetry_store_oldest_seconds"] < 60


async def test_an_age_is_shown_only_for_what_is_kept(tmp_path: Path) -> None:
    metrics = StoreMetrics(tmp_path / "none", 16, clock_s=lambda: 100.0)
    assert metrics._oldest_s() == 0
    metrics.oldest_received(40.0)
    assert metrics._oldest_s() == 60
    metrics.oldest_received(None)
    assert metrics._oldest_s() == 0
