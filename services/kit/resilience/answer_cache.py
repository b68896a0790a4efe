"""The last good answers of an edge, for when its callee has none."""

from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from services.kit.message import Reply
from services.policy import Fallback

MAX_BYTES = 8 * 1024 * 1024
"""Of all answers of an edge together: one of them may have a megabyte."""
_OVERHEAD_BYTES = 200
"""About what Python keeps around a kept answer, so that many empty ones count as well."""
_GOOD = range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)
_NO_LONGER = (int(HTTPStatus.NOT_FOUND), int(HTTPStatus.GONE))


class _Kept(NamedTuple):
    reply: Reply
    at_s: float
    size: int


class AnswerCache:
    """Answers to GET by all that was asked; the least used go first, by number (`max_entries`) and by `max_bytes`.

    Args:
        fallback: Of a kind that keeps answers: how many, and for how long.
        clock: Monotonic seconds.
        max_bytes: Of all together.
    """

    def __init__(self, fallback: Fallback, clock: Callable[[], float], max_bytes: int = MAX_BYTES) -> None:
        self._ttl_s = (fallback.ttl_ms or 0.0) / 1_000
        self._fresh_s = None if fallback.fresh_ms is None else fallback.fresh_ms / 1_000
        self._max_entries = fallback.max_entries
        self._max_bytes = max_bytes
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0

    def fresh(self, key: str) -> Reply | None:
        """An answer as good as the callee's own; always None for kinds without a `fresh` time."""
        return None if self._fresh_s is None else self._younger(key, self._fresh_s)

    def usable(self, key: str) -> Reply | None:
        """An answer to give when the callee has none."""
        return self._younger(key, self._ttl_s)

    def keep(self, key: str, reply: Reply) -> None:
        """Keeps a good answer. One that there is no such thing any more ends what was kept; others change nothing.

        An answer that its callee already had to degrade is not a good one, and one larger than `max_bytes` has no room.
        """
        if reply.status in _NO_LONGER:
            self._forget(key)
        size = len(key) + len(reply.body) + _OVERHEAD_BYTES
        if reply.status not in _GOOD or reply.degraded or size > self._max_bytes:
            return
        self._forget(key)
        self._kept[key] = _Kept(reply, self._clock(), size)
        self._bytes += size
        while len(self._kept) > self._max_entries or self._bytes > self._max_bytes:
            self._forget(next(iter(self._kept)))

    def _younger(self, key: str, age_s: float) -> Reply | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        now_s = self._clock()
        if now_s > kept.at_s + self._ttl_s:
            self._forget(key)
            return None
        if now_s > kept.at_s + age_s:
            return None
        self._kept.move_to_end(key)
        return kept.reply

    def _forget(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes -= kept.size
