"""A journey's seconds as blocks to draw: one a second, or a few seconds together when an arm was long."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.experiment.result import JourneySeries

MAX_BLOCKS = 120
"""Columns of a chart and rows of its table: finer would not be seen."""
MAX_BLOCKS_IN_ALL = 2_400
"""Over all charts, so that a page with many arms and journeys stays below a megabyte."""


@dataclass(frozen=True)
class Block:
    """The journeys whose intended instant lies in `[start_s, end_s)`; a quantile is the worst second's."""

    start_s: float
    end_s: float
    journeys: int
    succeeded: int
    degraded: int
    p50_ms: float | None
    p95_ms: float | None

    @property
    def failed_share(self) -> float:
        """Share of journeys that failed; 0 without journeys."""
        return (self.journeys - self.succeeded) / self.journeys if self.journeys else 0.0

    @property
    def degraded_share(self) -> float:
        """Share of journeys that succeeded degraded; one that failed later on counts as failed alone."""
        return min(self.degraded, self.succeeded) / self.journeys if self.journeys else 0.0


def block_length_s(length_s: int, charts: int) -> int:
    """Seconds in one block, so that `charts` charts of `length_s` seconds stay within both bounds."""
    return max(1, math.ceil(length_s / min(MAX_BLOCKS, MAX_BLOCKS_IN_ALL // max(charts, 1))))


def blocks(series: JourneySeries, block_s: int) -> tuple[Block, ...]:
    """The series in blocks of `block_s` seconds; the last one may be shorter."""
    length_s = len(series.arrivals)
    return tuple(_block(series, start, min(start + block_s, length_s)) for start in range(0, length_s, block_s))


def _block(series: JourneySeries, start: int, end: int) -> Block:
    return Block(
        start_s=float(start),
        end_s=float(end),
        journeys=sum(series.arrivals[start:end]),
        succeeded=sum(series.succeeded[start:end]),
        degraded=sum(series.degraded[start:end]),
        p50_ms=_worst(series.p50_ms[start:end]),
        p95_ms=_worst(series.p95_ms[start:end]),
    )


def _worst(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
