"""Spans on their way through the exporter process: none is lost without being counted, and so many wait at most."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from observability.exporter import exporter as exporter_module
from observability.exporter import handover
from observability.exporter.exporter import MAX_BATCH_SPANS
from observability.exporter.handover import MAX_WAITING_SPANS
from observability.exporter.wire import pack_spans
from tests.observability.exporter.ends import BOUND_S, FakeCollector, Service, exporting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

pytestmark = pytest.mark.usefixtures("quick")
RESOURCE = Resource({"service.name": "orders"})


def test_spans_arrive_in_their_order_with_the_resource_of_their_service(path: Path, collector: FakeCollector) -> None:
    with exporting(path, collector):
        service = Service(path)
        service.make(100)
        assert service.flush()
        service.provider.shutdown()
    assert [span.name for span in collector.taken] == [f"work {number}" for number in range(100)]
    assert {span.resource.attributes["service.name"] for span in collector.taken} == {"orders"}
    assert service.dropped == []


def test_spans_of_several_services_share_a_batch_and_keep_their_resources(path: Path, collector: FakeCollector) -> None:
    with exporting(path, collector):
        services = [Service(path, name) for name in ("orders", "payments")]
        for service in services:
            service.make(5)
        for service in services:
            assert service.flush()
            service.provider.shutdown()
    assert sorted(str(span.resource.attributes["service.name"]) for span in collector.taken) == ["orders"] * 5 + ["payments"] * 5


def test_spans_that_are_pending_when_a_service_ends_arrive(path: Path, collector: FakeCollector) -> None:
    with exporting(path, collector):
        service = Service(path)
        service.make(500)
        service.provider.shutdown()
        assert len(collector.taken) == 500
    assert service.dropped == []


def test_spans_that_were_handed_over_are_sent_before_the_exporter_ends(path: Path, collector: FakeCollector) -> None:
    collector.answers.clear()
    with exporting(path, collector):
        service = Service(path)
        service.make(300)
        service.hand_over()
    assert len(collector.taken) == 300
    service.provider.shutdown()


def test_spans_made_before_there_is_an_exporter_arrive_once_there_is_one(path: Path, collector: FakeCollector) -> None:
    service = Service(path)
    service.make(10)
    assert not service.handover.force_flush(20)
    with exporting(path, collector):
        assert service.flush()
        service.provider.shutdown()
    assert len(collector.taken) == 10


def test_spans_that_the_collector_refuses_are_counted_by_their_service(path: Path, collector: FakeCollector) -> None:
    collector.refuses = True
    with exporting(path, collector):
        service = Service(path)
        service.make(40)
        assert service.flush()
        service.provider.shutdown()
    assert sum(service.dropped) == 40


def test_spans_that_cannot_be_encoded_are_counted_and_the_next_are_sent(path: Path, collector: FakeCollector) -> None:
    with exporting(path, collector):
        service = Service(path)
        collector.error = RuntimeError("cannot encode")
        service.make(4)
        assert service.flush()
        collector.error = None
        service.make(3)
        assert service.flush()
        service.provider.shutdown()
    assert (sum(service.dropped), len(collector.taken)) == (4, 3)


def test_with_a_collector_that_is_silent_so_many_spans_wait_and_the_rest_are_counted(
    path: Path, collector: FakeCollector
) -> None:
    collector.answers.clear()
    with exporting(path, collector):
        service = Service(path)
        service.make(3 * MAX_WAITING_SPANS)
        assert service.handover.waiting <= MAX_WAITING_SPANS
        collector.answers.set()
        assert service.flush()
        service.provider.shutdown()
    assert len(collector.taken) + sum(service.dropped) == 3 * MAX_WAITING_SPANS
    assert len(collector.taken) >= MAX_WAITING_SPANS
    assert max(collector.batches) <= MAX_BATCH_SPANS + handover.PACKET_SPANS


def test_spans_too_large_for_one_packet_go_in_several(path: Path, collector: FakeCollector) -> None:
    with exporting(path, collector):
        service = Service(path)
        service.make(40, "x" * 20_000)
        assert service.flush()
        service.provider.shutdown()
    assert (len(collector.taken), service.dropped) == (40, [])


def test_a_span_too_large_for_any_packet_is_counted(path: Path, collector: FakeCollector) -> None:
    with exporting(path, collector):
        service = Service(path)
        service.make(1, "x" * 200_000)
        assert service.flush()
        service.provider.shutdown()
    assert (collector.taken, service.dropped) == ([], [1])


def test_spans_that_cannot_be_packed_are_counted_and_the_next_are_sent(
    path: Path, collector: FakeCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_span: object) -> bytes:
        raise ValueError("unmarshallable object")

    with exporting(path, collector):
        service = Service(path)
        with monkeypatch.context() as broken:
            broken.setattr(handover, "pack_spans", refuse)
            service.make(3)
            assert service.flush()
        service.make(2)
        assert service.flush()
        service.provider.shutdown()
    assert (sum(service.dropped), len(collector.taken)) == (3, 2)


def test_a_span_that_cannot_be_packed_takes_none_of_its_packet_with_it(
    path: Path, collector: FakeCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_one(spans: Sequence[ReadableSpan]) -> bytes:
        if any(span.name == "work 5" for span in spans):
            raise ValueError("unmarshallable object")
        return pack_spans(spans)

    monkeypatch.setattr(handover, "pack_spans", refuse_one)
    with exporting(path, collector):
        service = Service(path)
        service.make(handover.PACKET_SPANS)
        assert service.flush()
        service.provider.shutdown()
    assert service.dropped == [1]
    assert [span.name for span in collector.taken] == [f"work {n}" for n in range(handover.PACKET_SPANS) if n != 5]


def test_spans_that_are_not_sampled_are_not_handed_over(path: Path, collector: FakeCollector) -> None:
    with exporting(path, collector):
        service = Service(path)
        TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False).get_tracer("test").start_span("work").end()
        assert service.handover.waiting == 0
        service.provider.shutdown()


def test_who_speaks_something_else_is_let_go_and_the_others_are_served(path: Path, collector: FakeCollector) -> None:
    with exporting(path, collector), socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger:
        stranger.settimeout(BOUND_S)
        stranger.connect(str(path))
        stranger.send(b"GET / HTTP/1.1\r\n\r\n")
        assert stranger.recv(10) == b""
        service = Service(path)
        service.make(3)
        assert service.flush()
        service.provider.shutdown()
    assert len(collector.taken) == 3


def test_a_span_that_ends_while_others_are_packed_holds_nothing_up(
    path: Path, collector: FakeCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[bool] = []

    def collect_garbage(spans: Sequence[ReadableSpan]) -> bytes:
        if not begun:
            begun.append(True)
            service.make(1)  # As a coroutine that nobody awaits any more may do.
        return pack_spans(spans)

    monkeypatch.setattr(handover, "pack_spans", collect_garbage)
    with exporting(path, collector):
        service = Service(path)
        service.make(handover.PACKET_SPANS)
        assert service.flush()
        service.provider.shutdown()
    assert (len(collector.taken), service.dropped) == (handover.PACKET_SPANS + 1, [])


def test_a_packet_that_no_socket_takes_is_dropped_and_holds_nothing_up(path: Path, collector: FakeCollector) -> None:
    with exporting(path, collector):
        service = Service(path)
        service.make(1)
        assert service.flush()
        connection = service.handover._connection
        assert connection is not None
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_608)
        service.make(1, text="x" * 50_000)
        assert service.flush()
        service.make(3)
        assert service.flush()
        assert (len(collector.taken), sum(service.dropped)) == (4, 1)
        service.provider.shutdown()


def test_an_exporter_that_is_to_end_does_so_although_services_go_on(
    path: Path, collector: FakeCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter_module, "LAST_S", 0.05)
    with exporting(path, collector):
        service = Service(path)

        def make_another() -> None:
            service.make(1)
            service.hand_over()

        collector.meanwhile = make_another
        service.make(1)
        while not collector.batches:
            service.handover.force_flush(5)
    service.provider.shutdown()
