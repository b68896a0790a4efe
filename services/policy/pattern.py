"""The patterns by name, and the profiles that switch them."""

from enum import StrEnum


class Pattern(StrEnum):
    """The patterns that can be switched off one by one (`--without breaker@orders->payments`, `--without limit@payments`)."""

    DEADLINE = "deadline"
    THROTTLE = "throttle"
    BULKHEAD = "bulkhead"
    RETRY = "retry"
    BUDGET = "budget"
    HEDGE = "hedge"
    BREAKER = "breaker"
    BALANCER = "balancer"
    OUTLIER_EJECTION = "outlier_ejection"
    TIMEOUT = "timeout"
    FALLBACK = "fallback"
    LIMIT = "limit"

    @property
    def of_service(self) -> bool:
        """Whether it protects a service from all of its callers, and not an edge."""
        return self is Pattern.LIMIT


class Profile(StrEnum):
    """`declared`: as the topology says. `timeouts_only`: of that, the attempt timeouts. `none`: nothing was ever configured."""

    DECLARED = "declared"
    TIMEOUTS_ONLY = "timeouts_only"
    NONE = "none"
