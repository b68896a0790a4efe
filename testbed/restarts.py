"""How often and how fast a process that ends by itself is started again."""

from collections import deque
from typing import Final

FIRST_DELAY_S: Final = 0.1
MAX_DELAY_S: Final = 3.2
MAX_RESTARTS: Final = 5
WINDOW_S: Final = 60.0


class RestartBudget:
    """Exponential backoff with an end: more than MAX_RESTARTS restarts within WINDOW_S are a defect, not bad luck.

    Modelled on systemd's StartLimitBurst and StartLimitIntervalSec. The delay doubles with each restart in the window.
    """

    def __init__(self) -> None:
        self._restarted_at: deque[float] = deque(maxlen=MAX_RESTARTS)

    def take(self, now_s: float) -> float | None:
        """Seconds to wait before the next restart, or None when the budget is spent.

        Args:
            now_s: Monotonic time.
        """
        while self._restarted_at and self._restarted_at[0] <= now_s - WINDOW_S:
            self._restarted_at.popleft()
        if len(self._restarted_at) == MAX_RESTARTS:
            return None
        delay_s = min(FIRST_DELAY_S * 2.0 ** len(self._restarted_at), MAX_DELAY_S)
        self._restarted_at.append(now_s)
        return delay_s

    def reset(self) -> None:
        """Forgets the past: somebody asked for a start."""
        self._restarted_at.clear()
