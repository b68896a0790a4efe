"""Slow: the request goes through, later."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from chaos.faults.base import RequestFault
from chaos.faults.hold import Hold

MAX_LATENCY_MS = 600_000.0
"""Ten minutes: twice what an HTTP client library waits by default, so every caller's patience can be tested."""


class Latency(RequestFault):
    """Adds `latency_ms`, plus or minus up to `jitter_ms` (uniform), before the request goes on."""

    kind: Literal["latency"] = "latency"
    latency_ms: float = Field(gt=0, le=MAX_LATENCY_MS)
    jitter_ms: float = Field(default=0.0, ge=0)

    summary: ClassVar[str] = "answers later, by a fixed time plus or minus a jitter"

    @model_validator(mode="after")
    def _not_before_the_request(self) -> Self:
        if self.jitter_ms > self.latency_ms:
            raise ValueError(f"jitter ({self.jitter_ms:g} ms) is longer than the latency ({self.latency_ms:g} ms) it varies")
        return self

    async def apply(self, hold: Hold) -> None:
        """Waits, then lets the request go on."""
        await hold.wait(hold.uniform(self.latency_ms - self.jitter_ms, self.latency_ms + self.jitter_ms))

    def __str__(self) -> str:
        jitter = f" ± {self.jitter_ms:g} ms" if self.jitter_ms else ""
        return f"latency {self.latency_ms:g} ms{jitter}"
