"""What answers when the callee cannot."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from services.document import Frozen
from services.duration import DurationMs, format_duration_ms


class FallbackKind(StrEnum):
    """`static`: fixed. `cached`: the last good answer. `stale_while_error`: a cache's, past its time. `defer`: outbox, later."""

    STATIC = "static"
    CACHED = "cached"
    STALE_WHILE_ERROR = "stale_while_error"
    DEFER = "defer"

    @property
    def keeps_answers(self) -> bool:
        """Whether it needs the answers of earlier calls, and so serves GET alone."""
        return self in (FallbackKind.CACHED, FallbackKind.STALE_WHILE_ERROR)


class Fallback(Frozen):
    """A declared degradation; the answer is marked with the header `Degraded`.

    `cached` keeps the last good answer to each GET for `ttl` and gives it when the call fails. `stale_while_error` is a cache:
    younger than `fresh`, an answer is given without a call and is not degraded; older, the callee is asked, and if that fails
    what is no older than `ttl` is given (RFC 5861, stale-if-error). At most `max_entries` are kept, the least used go first.
    """

    kind: FallbackKind
    ttl_ms: DurationMs | None = None
    fresh_ms: DurationMs | None = None
    max_entries: Annotated[int, Field(ge=1, le=100_000)] = 1_000

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.kind.keeps_answers and self.ttl_ms is None:
            raise ValueError(f"a fallback of kind {self.kind} needs ttl: how old an answer may be")
        if not self.kind.keeps_answers and (self.ttl_ms is not None or self.fresh_ms is not None):
            raise ValueError(f"a fallback of kind {self.kind} keeps no answers, so that ttl and fresh mean nothing; drop them")
        if self.kind is FallbackKind.STALE_WHILE_ERROR and self.fresh_ms is None:
            raise ValueError("a fallback of kind stale_while_error needs fresh: how long an answer is as good as new")
        if self.kind is FallbackKind.CACHED and self.fresh_ms is not None:
            raise ValueError("fresh belongs to stale_while_error; a fallback of kind cached asks the callee every time")
        if self.fresh_ms is not None and self.ttl_ms is not None and self.fresh_ms > self.ttl_ms:
            raise ValueError(
                f"fresh ({format_duration_ms(self.fresh_ms)}) is longer than ttl ({format_duration_ms(self.ttl_ms)}), "
                "which contains it"
            )
        return self
