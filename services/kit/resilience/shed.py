"""Who is let in while a limit is nearly used up: the less urgent a request, the more room it leaves to others.

So of a crowd the least urgent is shed first, and what is most urgent (what was begun and has to be finished or undone) is shed
only when the limit itself is reached. Urgencies are RFC 9218's, from 0, the most urgent, to 7.
"""

import math

from services.kit.resilience.priority import LEAST_URGENT

WHOLE = 1
"""Up to this urgency a request may use the whole limit."""
LEAST_SHARE = 0.5
"""Of the limit, for the least urgent; not less, for a limit that is used by half or less learns nothing (gradient.py)."""


def room_for(urgency: int, limit: int) -> int:
    """How many requests may be under way for one of `urgency` to be let in beside them, itself among them; at least one."""
    graded = max(0, min(urgency, LEAST_URGENT) - WHOLE) / (LEAST_URGENT - WHOLE)
    return max(1, math.ceil(limit * (1 - graded * (1 - LEAST_SHARE))))
