"""One edge of one process: the patterns around its calls, who takes them, and the answers it keeps."""

import random
from collections.abc import Callable

from services.kit.balancer import LoadBalancer
from services.kit.resilience.answer_cache import AnswerCache
from services.kit.resilience.decision import Decision, Sink, Verb
from services.kit.resilience.pipeline import EdgePipeline
from services.policy import EdgePolicy


class Edge:
    """What calls from `caller` to `callee` share under one policy. A call keeps the one with which it began.

    Args:
        caller: Who calls.
        callee: Who is called.
        policy: What is in force.
        sink: Told of every decision.
        rng: Of jitter, throttling and balancing.
        clock: Monotonic seconds.
    """

    def __init__(
        self, caller: str, callee: str, policy: EdgePolicy, sink: Sink, rng: random.Random, clock: Callable[[], float]
    ) -> None:
        self.caller = caller
        self.callee = callee
        self.name = f"{caller}->{callee}"
        self.policy = policy
        self.repeats = policy.retry is not None or policy.hedge is not None
        """Whether a call may be sent more than once."""
        self._sink = sink
        self._rng = rng
        self._clock = clock
        self.pipeline = EdgePipeline(self.name, policy, sink, rng, clock)
        self.balancer = LoadBalancer(policy.balancer, policy.outlier_ejection, rng, clock, self._ejected)
        self.cache = AnswerCache(policy.fallback, clock) if policy.fallback and policy.fallback.kind.keeps_answers else None

    def succeeded_by(self, policy: EdgePolicy) -> "Edge":
        """The edge of later calls under `policy`; it goes on with the state of every pattern that does not change."""
        later = Edge(self.caller, self.callee, policy, self._sink, self._rng, self._clock)
        later.pipeline = self.pipeline.succeeded_by(policy)
        if (policy.balancer, policy.outlier_ejection) == (self.policy.balancer, self.policy.outlier_ejection):
            later.balancer = self.balancer
        if policy.fallback == self.policy.fallback:
            later.cache = self.cache
        return later

    def _ejected(self, instance: str, out: bool, reason: str) -> None:  # noqa: FBT001 - the balancer's signature.
        self._sink.decided(Decision(self.name, Verb.EJECTED if out else Verb.READMITTED, instance, reason))
