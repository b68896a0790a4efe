"""What becomes of spans that wait while there is no exporter: for its successor, or at the end of their service."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from observability.exporter import handover
from observability.exporter.handover import MAX_WAITING_SPANS, Handover
from tests.observability.exporter.ends import BOUND_S, FakeCollector, Service, exporting

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.usefixtures("quick")


def test_without_an_exporter_so_many_spans_wait_and_the_end_does_not(path: Path) -> None:
    service = Service(path)
    service.make(MAX_WAITING_SPANS + 10)
    assert sum(service.dropped) == 10
    service.provider.shutdown()
    assert sum(service.dropped) == MAX_WAITING_SPANS + 10


def test_what_an_exporter_that_died_had_not_spoken_of_is_counted_and_its_successor_is_found(
    path: Path, collector: FakeCollector
) -> None:
    service = left_alone(path)
    with exporting(path, collector):
        service.make(2)
        assert service.flush()
        service.provider.shutdown()
    assert (sum(service.dropped), len(collector.taken)) == (7, 2)


def left_alone(path: Path) -> Service:
    """A service whose exporter has left with 7 of its spans."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen(1)
        service = Service(path)
        service.make(7)
        service.hand_over()
        connection, _address = listener.accept()
        connection.close()
    assert service.flush()
    assert sum(service.dropped) == 7
    return service


def test_spans_that_wait_at_the_end_reach_the_successor_of_an_exporter_that_has_left(
    path: Path, collector: FakeCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "SUCCESSOR_S", BOUND_S)
    is_left_alone, has_looked = Handover._is_left_alone, threading.Event()

    def look(ended: Handover) -> bool:
        is_alone = is_left_alone(ended)
        has_looked.set()
        return is_alone

    monkeypatch.setattr(Handover, "_is_left_alone", look)
    service = left_alone(path)
    service.make(5)
    ending = threading.Thread(target=service.provider.shutdown)
    ending.start()
    assert has_looked.wait(BOUND_S)
    with exporting(path, collector):
        ending.join()
    assert (len(collector.taken), sum(service.dropped)) == (5, 7)


def test_spans_that_wait_at_the_end_are_counted_when_no_successor_comes_in_time(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "SUCCESSOR_S", 0.02)
    service = left_alone(path)
    service.make(5)
    service.provider.shutdown()
    assert (sum(service.dropped), service.handover.waiting) == (12, 0)
