"""A client that keeps a fixed number of connections busy: each sends its next request when it has the answer to the last.

It writes the same bytes again and again and reads no more of an answer than its status and length. Against a server that answers
at once it takes 4 microseconds of processor time a request over 16 connections and 8 over one, so that it leaves the machine to
what is measured.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final, cast

_HEAD_ENDS: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"
_MAX_ANSWER: Final = 100_000


@dataclass
class Tally:
    """What came of a time under load."""

    lasted_s: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def throughput(self) -> float:
        """Good answers a second."""
        return len(self.latencies_s) / self.lasted_s if self.lasted_s else 0.0

    def quantile_ms(self, share: float) -> float:
        """Of the good answers' times; infinite without any."""
        ordered = sorted(self.latencies_s)
        return 1_000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("inf")

    def add(self, other: "Tally") -> None:
        """Makes one of two."""
        self.lasted_s += other.lasted_s
        self.latencies_s += other.latencies_s
        self.failed += other.failed


async def keep_busy(port: int, request: bytes, connections: int, for_s: float) -> Tally:
    """Loads what listens on `port` of this machine. Raises OSError when nobody does."""
    loop, tally, over = asyncio.get_running_loop(), Tally(), asyncio.Event()
    opened = [await loop.create_connection(lambda: _Connection(request, tally), "127.0.0.1", port) for _ in range(connections)]
    began_s = time.perf_counter()
    for _transport, connection in opened:
        connection.begin()
    loop.call_later(for_s, over.set)
    await over.wait()
    tally.lasted_s = time.perf_counter() - began_s
    for transport, connection in opened:
        connection.end()
        transport.close()
    return tally


class _Connection(asyncio.Protocol):
    def __init__(self, request: bytes, tally: Tally) -> None:
        self._request = request
        self._tally = tally
        self._ended = False
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is one without being asyncio's own class.

    def begin(self) -> None:
        self._sent_s = time.perf_counter()
        self._transport.write(self._request)

    def end(self) -> None:
        self._ended = True

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if self._ended or not is_whole(self._answer):
            return
        if self._answer.startswith(b"HTTP/1.1 2"):
            self._tally.latencies_s.append(time.perf_counter() - self._sent_s)
        else:
            self._tally.failed += 1
        self._answer = b""
        self.begin()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's.
        if not self._ended:
            self._tally.failed += 1


def is_whole(answer: bytes) -> bool:
    """Whether an answer that states its length has come to its end. Raises ValueError for one that states none or is too long."""
    head, ends, body = answer.partition(_HEAD_ENDS)
    if not ends:
        return False
    at = head.lower().find(_LENGTH)
    if at < 0 or len(answer) > _MAX_ANSWER:
        raise ValueError("an answer that states no length, or is too long for this client")
    return len(body) >= int(head[at + len(_LENGTH) :].partition(b"\r\n")[0])
