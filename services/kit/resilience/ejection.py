"""Which replicas are left out for a while because they fail while others do not."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from services.policy import OutlierEjection

Told = Callable[[str, bool, str], None]
"""Told of every change as (name of the replica, whether it is out now, why)."""
_OUT, _IN = True, False


@dataclass(slots=True)
class _Replica:
    changed_at_s: float  # What began before belongs to another time, and is ignored.
    failures: int = 0  # In a row, since the last change.
    ejections: int = 0  # How often it was out; fades while it is in.
    out_until_s: float | None = None


class Ejection:
    """Envoy's law of outlier detection by consecutive failures, worked out when somebody asks instead of at intervals.

    A replica is out for base_ejection_time times how often it was, at most `max_ejection_time`; for each base_ejection_time that
    it then stays in, one ejection is forgotten. The share that may be out is `max_ejection_percent`, but as in Envoy the first
    one may always go; only nobody may go when that would leave none.

    Args:
        policy: Thresholds and times.
        clock: Monotonic seconds.
        on_change: Told of every change. A return is noticed, and told, when the next call is made or somebody asks who is out.
    """

    def __init__(self, policy: OutlierEjection, clock: Callable[[], float], on_change: Told) -> None:
        self._policy = policy
        self._base_s = policy.base_ejection_time_ms / 1_000
        self._max_s = policy.max_ejection_time_ms / 1_000
        self._clock = clock
        self._on_change = on_change
        self._replicas: dict[str, _Replica] = {}
        self._out: set[str] = set()

    def out(self) -> set[str]:
        """Names of the replicas that are out now; not to be changed."""
        if self._out:
            now_s = self._clock()
            for name in [name for name in self._out if self._is_over(name, now_s)]:
                self._readmit(name)
        return self._out

    def follow(self, present: Iterable[str], restarted: Iterable[str]) -> None:
        """Forgets who is not `present`, and begins anew with who was `restarted`: another process, which has not failed yet."""
        new = _Replica(changed_at_s=self._clock())
        fresh = {name: self._replicas.get(name) or replace(new) for name in present} | {name: replace(new) for name in restarted}
        for name in [name for name in self._out if fresh.get(name) is not self._replicas[name]]:
            self._out.remove(name)
            self._on_change(name, _IN, "restarted" if name in fresh else "gone")
        self._replicas = fresh

    def succeeded(self, name: str, begun_s: float) -> None:
        """An attempt at `name` that began at `begun_s` was answered."""
        replica = self._concerned(name, begun_s)
        if replica is not None:
            replica.failures = 0

    def failed(self, name: str, begun_s: float, reason: str) -> None:
        """An attempt at `name` failed, or took too long; `reason` says how."""
        replica = self._concerned(name, begun_s)
        if replica is None:
            return
        replica.failures += 1
        if replica.failures >= self._policy.consecutive_failures and self._may_go():
            self._eject(name, replica, reason)

    def _concerned(self, name: str, begun_s: float) -> _Replica | None:
        replica = self._replicas.get(name)
        if replica is None or replica.out_until_s is not None or begun_s < replica.changed_at_s:
            return None
        return replica

    def _may_go(self) -> bool:
        out, all_of_them = len(self.out()) + 1, len(self._replicas)
        share = out == 1 or 100 * out <= self._policy.max_ejection_percent * all_of_them
        return share and out < all_of_them

    def _eject(self, name: str, replica: _Replica, reason: str) -> None:
        now_s = self._clock()
        forgotten = int((now_s - replica.changed_at_s) / self._base_s) if replica.ejections else 0
        most = int(self._max_s / self._base_s) + 1  # More could not make it longer, only take longer to be forgotten.
        replica.ejections = min(max(0, replica.ejections - forgotten) + 1, most)
        out_s = min(self._base_s * replica.ejections, self._max_s)
        replica.out_until_s = now_s + out_s
        self._out.add(name)
        self._on_change(name, _OUT, f"{replica.failures} failures in a row, the last: {reason}; out for {out_s:g} s")

    def _is_over(self, name: str, now_s: float) -> bool:
        until_s = self._replicas[name].out_until_s
        return until_s is not None and now_s >= until_s

    def _readmit(self, name: str) -> None:
        replica = self._replicas[name]
        replica.failures, replica.changed_at_s, replica.out_until_s = 0, replica.out_until_s or 0.0, None
        self._out.remove(name)
        self._on_change(name, _IN, "its time is over")
