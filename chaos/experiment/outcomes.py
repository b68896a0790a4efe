"""The words in which an experiment says what it found."""

from enum import StrEnum


class Verdict(StrEnum):
    """What an arm showed. An INVALID one says nothing about the system; an INCONCLUSIVE one, not enough."""

    INVALID = "INVALID"
    INCONCLUSIVE = "INCONCLUSIVE"
    LEAKED = "LEAKED"
    ISOLATED = "ISOLATED"


class Role(StrEnum):
    """How a journey takes part. Watched ones are shown: too rare to be judged."""

    JUDGED = "judged"
    MAY_DEGRADE = "may_degrade"
    WATCHED = "watched"


class Holding(StrEnum):
    """What the comparison of a judged journey showed."""

    HELD = "held"
    LEAKED = "leaked"
    UNDECIDED = "undecided"
    NOT_JUDGED = "not_judged"


class ObjectiveKind(StrEnum):
    """What an experiment may demand beyond its journeys."""

    AMPLIFICATION = "amplification"
    GOODPUT = "goodput"
    RECOVERY = "recovery"


class ObjectiveStatus(StrEnum):
    """What the measurement of an objective showed."""

    HELD = "held"
    VIOLATED = "violated"
    UNDECIDED = "undecided"


class AlertRole(StrEnum):
    """What part an alert played. INHIBITED: explained by another one, so that nobody was called."""

    EXPECTED = "expected"
    ALLOWED = "allowed"
    INHIBITED = "inhibited"
    UNEXPECTED = "unexpected"
    TICKET = "ticket"


class ProofKind(StrEnum):
    """The six things that an experiment proves, in the order in which they are told."""

    FAULT_BIT = "fault_bit"
    JOURNEYS_HELD = "journeys_held"
    RIGHT_REASON = "right_reason"
    ALERTS = "alerts"
    RECOVERY = "recovery"
    INVARIANTS = "invariants"


class ProofStatus(StrEnum):
    """`unknown`: evaluated, but the evidence does not decide. `not_evaluated`: nobody looked, and the sentence says why."""

    PROVEN = "proven"
    REFUTED = "refuted"
    UNKNOWN = "unknown"
    NOT_EVALUATED = "not_evaluated"
