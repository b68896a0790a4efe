"""The one writer: a thread that decodes what has queued and commits it in one transaction.

Acknowledged means committed: `submit` returns after the commit that holds the upload, or raises. While one transaction runs
the next one gathers, so that many small uploads share a commit and a lone one does not wait.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from observability.store.errors import StorageUnavailableError, StoreError
from observability.store.ingest import Ingest
from observability.store.otlp import Accepted, Upload, decode
from observability.store.retention import Retention
from observability.store.store_metrics import StoreMetrics

_MAX_BATCH_UPLOADS: Final = 64
_IDLE_PRUNE_S: Final = 30.0  # Age moves on even when nothing arrives.
_PRUNE_EVERY_S: Final = 0.1  # Under load. A prune deletes a thousand chunks if it must, more than arrive in that time.

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An upload in the queue, and who waits for its commit."""

    upload: Upload
    done: "asyncio.Future[Accepted]"


class Writer:
    """Writes uploads on its own thread. `submit` is for the event loop's thread."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        ingest: Ingest,
        retention: Retention,
        metrics: StoreMetrics,
        clock_s: Callable[[], float],
    ) -> None:
        self._connection = connection
        self._ingest = ingest
        self._retention = retention
        self._metrics = metrics
        self._clock_s = clock_s
        self._next_prune_s = 0.0
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._failure = ""
        self._ended = False

    @property
    def failure(self) -> str:
        """Why the last transaction failed; empty while the store can write."""
        return "the writer has stopped" if self._ended else self._failure

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def close(self, timeout_s: float) -> None:
        """Writes what is queued and closes the file; gives up waiting after `timeout_s`."""
        self._queue.put(None)
        self._thread.join(timeout_s)

    async def submit(self, upload: Upload) -> Accepted:
        """Waits until `upload` is committed.

        The queue is bounded by whoever admits uploads: each is counted in bytes from its first byte to its commit.

        Raises:
            InvalidUploadError: It cannot be decoded; nothing of it is kept.
            UploadTooLargeError: It decompresses beyond the bound.
            StorageUnavailableError: SQLite refused, or the store is closing; nothing of it is kept.
        """
        if self._ended:
            raise StorageUnavailableError(self.failure)
        waiting = _Waiting(upload, asyncio.get_running_loop().create_future())
        self._queue.put(waiting)
        return await waiting.done

    def _run(self) -> None:
        try:
            open_for_more = True
            while open_for_more:
                batch, open_for_more = self._next_batch()
                if batch:
                    outcomes = self._write(batch)
                    batch[0].done.get_loop().call_soon_threadsafe(_resolve, batch, outcomes)
                self._prune()
        finally:
            self._ended = True
            self._connection.close()

    def _next_batch(self) -> tuple[list[_Waiting], bool]:
        """Waits for an upload and takes what else has queued; the flag is False after `close`."""
        batch: list[_Waiting] = []
        try:
            while len(batch) < _MAX_BATCH_UPLOADS:
                waiting = self._queue.get_nowait() if batch else self._queue.get(timeout=_IDLE_PRUNE_S)
                if waiting is None:
                    return batch, False
                batch.append(waiting)
        except queue.Empty:
            pass
        return batch, True

    def _write(self, batch: Sequence[_Waiting]) -> list[Accepted | StoreError]:
        """Commits a batch. An upload that cannot be decoded fails alone; a refusal by SQLite fails all of them."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._write_one(waiting.upload) for waiting in batch]
            self._ingest.finish()
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 -- an upload that trips over a bug must not end the only writer.
            self._roll_back(error)
            return [StorageUnavailableError(f"the telemetry file cannot be written: {error}") for _ in batch]
        self._failure = ""
        self._count([outcome for outcome in outcomes if isinstance(outcome, Accepted)])
        return outcomes

    def _count(self, accepted: Sequence[Accepted]) -> None:
        self._metrics.spans.inc(sum(each.spans for each in accepted))
        self._metrics.log_records.inc(sum(each.logs for each in accepted))
        self._metrics.invalid_spans.inc(sum(each.rejected for each in accepted))

    def _write_one(self, upload: Upload) -> Accepted | StoreError:
        try:
            decoded = decode(upload)
        except StoreError as error:
            return error
        return self._ingest.add(decoded)

    def _roll_back(self, error: Exception) -> None:
        if str(error) != self._failure:
            _log.error("the telemetry file cannot be written: %s", error, exc_info=error)
        self._failure = str(error) or type(error).__name__
        self._ingest.forget()
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _prune(self) -> None:
        if self._clock_s() < self._next_prune_s:
            return
        self._next_prune_s = self._clock_s() + _PRUNE_EVERY_S
        try:
            self._metrics.pruned_chunks.inc(self._retention.prune())
            self._metrics.oldest_received(self._retention.oldest_received_s())
        except sqlite3.Error as error:
            _log.warning("old telemetry could not be deleted: %s", error)


def _resolve(batch: Sequence[_Waiting], outcomes: Sequence[Accepted | StoreError]) -> None:
    for waiting, outcome in zip(batch, outcomes, strict=True):
        if waiting.done.cancelled():
            continue
        if isinstance(outcome, StoreError):
            waiting.done.set_exception(outcome)
        else:
            waiting.done.set_result(outcome)
