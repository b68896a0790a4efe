"""Orders at a rate that does not wait for answers: what one step of offered load did to them."""

import asyncio
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Final
from uuid import UUID

import aiohttp

from benchmarks._crowd import Crowd, Stream
from benchmarks._processors import Usage
from loadtests.journeys.catalogue import PASSWORD, draw_basket, email
from loadtests.tally import quantile
from testbed.control import SystemStatus

CUSTOMERS: Final = 40
WARM_UP_S: Final = 2.0
MEASURED_S: Final = 6.0
PATIENCE_S: Final = 5.0
MAX_CONNECTIONS: Final = 300


@dataclass
class Step:
    """What was offered for MEASURED_S, and what came of it.

    Attributes:
        rate: Orders a second that were offered.
        latencies_ms: Of the orders that were accepted.
        outcomes: Of all orders, by status; 0 is no answer, or too many under way to ask at all.
        usage: Processor time meanwhile.
    """

    rate: float
    latencies_ms: list[float] = field(default_factory=list)
    outcomes: Counter[int] = field(default_factory=Counter)
    usage: Usage | None = None

    def quantile_ms(self, share: float) -> float:
        """Of the latencies; 0 without any."""
        return quantile(sorted(self.latencies_ms), share) if self.latencies_ms else 0.0

    @property
    def accepted(self) -> int:
        """How many orders were."""
        return self.outcomes[201]

    @property
    def failed(self) -> int:
        """How many were not."""
        return self.outcomes.total() - self.accepted


class OrderLoad:
    """Offers orders to one system, one step after the other."""

    def __init__(self, session: aiohttp.ClientSession, system: SystemStatus, entry: str) -> None:
        self._session = session
        self._system = system
        self._base_url = system.addresses[entry]
        self._tokens: list[str] = []

    async def sign_in(self) -> None:
        """Signs customers in. Raises aiohttp.ClientError."""
        for customer in range(1, CUSTOMERS + 1):
            body = {"email": email(customer), "password": PASSWORD}
            async with self._session.post(f"{self._base_url}/v1/sessions", json=body, raise_for_status=True) as response:
                self._tokens.append((await response.json())["token"])

    async def offer(self, rate: float, seed: int) -> Step:
        """One step: warmed up, measured, and waited for."""
        step = Step(rate)
        began_s = time.monotonic()
        measured_from_s = began_s + WARM_UP_S

        async def visit(random: Random) -> None:
            due_s = time.monotonic()
            status = await self._order(random)
            if due_s >= measured_from_s:
                step.outcomes[status] += 1
                if status == 201:
                    step.latencies_ms.append(1_000 * (time.monotonic() - due_s))

        crowd = Crowd((Stream("order", rate, visit),), seed)
        coming = asyncio.create_task(crowd.come(WARM_UP_S + MEASURED_S))
        await asyncio.sleep(WARM_UP_S)
        before = Usage.now(self._system)
        await asyncio.sleep(MEASURED_S)
        step.usage = Usage.now(self._system).since(before)
        await coming
        step.outcomes[0] += crowd.turned_away
        return step

    async def _order(self, random: Random) -> int:
        headers = {
            "Authorization": f"Bearer {random.choice(self._tokens)}",
            "Idempotency-Key": str(UUID(int=random.getrandbits(128), version=4)),
        }
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        try:
            async with self._session.post(
                f"{self._base_url}/v1/orders", json=asdict(draw_basket(random)), headers=headers, timeout=timeout
            ) as response:
                await response.read()
                return response.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0
