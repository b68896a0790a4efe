"""Chunks that were decoded for a query and may be wanted by the next: a search opens the same few for each of its traces."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

_MAX_ITEMS: Final = 2_048  # Decoded spans or logs, some 2 KiB each.

Item = TypeVar("Item")


class OpenedChunks(Generic[Item]):
    """The last opened chunks by number, the least recently used dropped first. A chunk never changes, so none gets stale."""

    def __init__(self, load: Callable[[int], Sequence[Item]]) -> None:
        self._load = load
        self._chunks: OrderedDict[int, Sequence[Item]] = OrderedDict()
        self._items = 0

    def get(self, chunk: int) -> Sequence[Item]:
        """Items of a chunk by position."""
        if chunk in self._chunks:
            self._chunks.move_to_end(chunk)
            return self._chunks[chunk]
        items = self._load(chunk)
        self._chunks[chunk] = items
        self._items += len(items)
        while self._items > _MAX_ITEMS and len(self._chunks) > 1:
            _, dropped = self._chunks.popitem(last=False)
            self._items -= len(dropped)
        return items
