"""The vocabulary of protection: what an edge or a service may declare, and which of it a profile leaves switched on.

Every model is frozen; a pattern that is `None` is off. Names are the ones practitioners know from gRPC, Envoy, Resilience4j,
Netflix' concurrency-limits and pybreaker. Defaults say where they come from.
"""

from services.policy.admission import Bulkhead, Limit, Throttle
from services.policy.attempts import Budget, Hedge, Retry, Timeout
from services.policy.breakers import AnyBreaker, Breaker, RateBreaker
from services.policy.edge import UNPROTECTED, EdgePolicy
from services.policy.effective import Switch, effective_limit, effective_policy
from services.policy.fallback import Fallback, FallbackKind
from services.policy.pattern import Pattern, Profile
from services.policy.replicas import Balancer, OutlierEjection

__all__ = [
    "UNPROTECTED",
    "AnyBreaker",
    "Balancer",
    "Breaker",
    "Budget",
    "Bulkhead",
    "EdgePolicy",
    "Fallback",
    "FallbackKind",
    "Hedge",
    "Limit",
    "OutlierEjection",
    "Pattern",
    "Profile",
    "RateBreaker",
    "Retry",
    "Switch",
    "Throttle",
    "Timeout",
    "effective_limit",
    "effective_policy",
]
