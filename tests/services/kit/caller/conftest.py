"""A caller of one edge."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from services.kit.caller import Caller, Offer
from services.kit.errors import CallError
from services.kit.message import Outgoing, Reply
from services.policy import EdgePolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.registry import Instance
    from tests.services.kit.conftest import Tools, Watched

LOOK = Outgoing("GET", "/accounts/7", "/accounts/{id}")


class Shop:
    """A caller of one edge, everything around it fake or kept."""

    def __init__(self, tools: Tools, watched: Watched) -> None:
        self._tools = tools
        self.watched = watched
        self.up: list[tuple[int, ...]] = [(1, 2)]
        """Replicas that are up at each look; the last entry for ever."""
        self.transport = tools.Transport()
        self.seed = 7

    def resolve(self, service: str) -> tuple[Instance, ...]:
        up = self.up.pop(0) if len(self.up) > 1 else self.up[0]
        return tuple(self._tools.replica(number, service) for number in up)

    def caller(self, policy: Mapping[str, object] | EdgePolicy, *steps: Reply | CallError) -> Caller:
        declared = policy if isinstance(policy, EdgePolicy) else EdgePolicy.model_validate(policy)
        if steps:
            self.transport = self._tools.Transport(*steps)
        return Caller("shop", {"bank": declared}, self, self.transport, self.watched.telemetry, random.Random(self.seed))

    def call(
        self,
        policy: Mapping[str, object] | EdgePolicy,
        *steps: Reply | CallError,
        outgoing: Outgoing = LOOK,
        offer: Offer[str] | None = None,
    ) -> str:
        """One call, in virtual time."""
        return self._tools.run_virtually(
            self.caller(policy, *steps).call("bank", outgoing, lambda reply: reply.body.decode(), offer)
        )

    def failing_call(self, policy: Mapping[str, object] | EdgePolicy, *steps: Reply | CallError, **more: Any) -> CallError:
        with pytest.raises(CallError) as caught:
            self.call(policy, *steps, **more)
        return caught.value

    @property
    def replicas(self) -> list[str]:
        """Who was asked, in order."""
        return [sent.instance for sent in self.transport.sent]


@pytest.fixture
def shop(tools: Tools, watched: Watched) -> Shop:
    return Shop(tools, watched)
