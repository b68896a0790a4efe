"""Chunks that were decoded for a query and may be wanted by the next: a search opens the same few for each of its traces."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

_MAX_ITEMS: Final = 2_048  # Decoded spans or logs, some 2 KiB each ...
_MAX_BYTES: Final = 8 * 1024 * 1024  # ... and a bound for those that are a thousand times as long.

Item = TypeVar("Item")


class OpenedChunks(Generic[Item]):
    """The last opened chunks by number, the least recently used dropped first. A chunk never changes, so none gets stale."""

    def __init__(self, message: Callable[[int], bytes], decode: Callable[[bytes], Sequence[Item]]) -> None:
        self._message = message
        self._decode = decode
        self._chunks: OrderedDict[int, tuple[Sequence[Item], int]] = OrderedDict()
        self._items = 0
        self._bytes = 0

    def get(self, chunk: int) -> Sequence[Item]:
        """Items of a chunk by position."""
        if chunk in self._chunks:
            self._chunks.move_to_end(chunk)
            return self._chunks[chunk][0]
        message = self._message(chunk)
        items = self._decode(message)
        self._chunks[chunk] = (items, len(message))
        self._items += len(items)
        self._bytes += len(message)
        while len(self._chunks) > 1 and (self._items > _MAX_ITEMS or self._bytes > _MAX_BYTES):
            _, (dropped, size_bytes) = self._chunks.popitem(last=False)
            self._items -= len(dropped)
            self._bytes -= size_bytes
        return items
