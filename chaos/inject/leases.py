"""The table of leases in one process: the only way a request fault exists."""

import uuid
from collections import Counter, deque
from collections.abc import Collection, Iterator
from random import Random

from chaos.inject.clock import Clock, MonotonicClock
from chaos.inject.control import LeaseRefusedError, UngrantableError
from chaos.inject.injection import HeldRequests, Injection
from chaos.inject.lease import Lease
from chaos.inject.messages import Healed, LeaseList, LeaseRequest, LeaseView
from chaos.inject.observer import Observer, Unobserved

MAX_LEASES = 64
MAX_ENDED = 64
MAX_HELD = 10_000


class TableFullError(LeaseRefusedError):
    """As many leases are in force as the table holds."""


class LeaseConflictError(LeaseRefusedError):
    """The id belongs to a lease of something else, or to one that has ended."""


class UnknownEdgeError(UngrantableError):
    """This process does not call over that edge, so the fault could never bite."""


class LeaseTable:
    """Leases of one process, used from one event loop.

    A lease ends at its instant of the clock because every reader compares, not because a timer fires: nothing needs to run
    for it to be over, neither the tool that asked for it nor, meanwhile, this process.

    Args:
        service: How observations name the server side, such as `payments`.
        edges: Edges this process calls over (`payments->bank`); None accepts any.
        seed: Of all draws. Replicas want different ones, or they would draw alike.
        clock: Monotonic; the machine's by default.
        observer: Told of every injection.
        max_held: Requests held at once by latency and hang; beyond it they are aborted.
    """

    def __init__(
        self,
        *,
        service: str = "server",
        edges: Collection[str] | None = None,
        seed: int | str = 0,
        clock: Clock | None = None,
        observer: Observer | None = None,
        max_held: int = MAX_HELD,
    ) -> None:
        self._service = service
        self._edges = None if edges is None else tuple(edges)
        self._random = Random(seed)
        self._clock = clock or MonotonicClock()
        self._observer = observer or Unobserved()
        self._held = HeldRequests(max_held)
        self._leases: dict[str, Lease] = {}
        self._partitions = 0
        self._ended: deque[LeaseView] = deque(maxlen=MAX_ENDED)

    @property
    def idle(self) -> bool:
        """Whether no lease is in force, as of the last look at the clock: the cheap question of every request."""
        return not self._leases

    @property
    def whole(self) -> bool:
        """Whether no partition is in force, as of the last look at the clock: the cheap question of every message."""
        return not self._partitions

    def grant(self, request: LeaseRequest) -> LeaseView:
        """Puts a lease in force, or renews the one with this id. Raises LeaseRefusedError."""
        self.sweep()
        now_s = self._clock.now()
        ends_at_s = now_s + request.lease_ms / 1_000
        if request.id is not None and request.id in self._leases:
            return self._renew(self._leases[request.id], request, ends_at_s).view(now_s)
        if any(view.id == request.id for view in self._ended):
            raise LeaseConflictError(f"lease {request.id} has ended; a fault is not brought back by renewal, take a new id")
        if request.edge is not None and self._edges is not None and request.edge not in self._edges:
            raise UnknownEdgeError(f"edge {request.edge!r} does not start here; allowed: {', '.join(self._edges) or 'none'}")
        if len(self._leases) >= MAX_LEASES:
            raise TableFullError(f"{MAX_LEASES} leases are in force already; heal one first")
        lease = Lease(request.id or uuid.uuid4().hex[:12], request, ends_at_s, Random(self._random.getrandbits(64)))
        self._leases[lease.id] = lease
        self._partitions += lease.fault.severs
        return lease.view(now_s)

    def _renew(self, lease: Lease, request: LeaseRequest, ends_at_s: float) -> Lease:
        if not lease.same_fault(request):
            raise LeaseConflictError(f"lease {lease.id} is of {lease.fault}; a renewal repeats fault, edge and rate")
        lease.ends_at_s = ends_at_s
        lease.over.set()  # Requests it holds look at the new end; they are woken once and wait again.
        lease.over.clear()
        return lease

    def heal(self, lease_id: str | None = None) -> int:
        """Ends one lease, or all, now. Returns how many were in force."""
        self.sweep()
        healed = [lease for lease in self._leases.values() if lease_id in (None, lease.id)]
        self._end(healed)
        return len(healed)

    def ended(self, lease_id: str | None = None) -> Healed:
        """The same, as an answer."""
        return Healed(healed=self.heal(lease_id))

    def sweep(self) -> None:
        """Moves leases past their end to the ended ones."""
        if self._leases:
            now_s = self._clock.now()
            self._end([lease for lease in self._leases.values() if not lease.in_force(now_s)])

    def _end(self, leases: list[Lease]) -> None:
        for lease in leases:
            del self._leases[lease.id]
            self._partitions -= lease.fault.severs
            lease.over.set()
            self._ended.append(lease.view(self._clock.now()))

    def snapshot(self) -> LeaseList:
        """What is in force, and what was."""
        self.sweep()
        now_s = self._clock.now()
        return LeaseList(leases=tuple(lease.view(now_s) for lease in self._leases.values()), ended=tuple(self._ended))

    def in_force(self) -> Counter[tuple[str, str]]:
        """How many leases are in force now, by kind of fault and place: the edge or, on the server side, the service."""
        self.sweep()
        return Counter((lease.fault.kind, lease.edge or self._service) for lease in self._leases.values())

    def draw(self, edge: str | None) -> Iterator[Injection]:
        """Decides about one request: on the server side (`edge` None) or one attempt over an edge.

        Lazy: a lease decides when the ones before it have been applied, and not at all about a request that one of them ended.
        What severs is left out: `severed` tells of that.
        """
        if not self._leases:
            return
        self.sweep()
        for lease in tuple(self._leases.values()):
            if lease.fault.severs or lease.edge != edge:
                continue
            if lease.in_force(self._clock.now()) and lease.draw():
                yield self._injection(lease, edge)

    def severed(self, edge: str | None) -> Injection | None:
        """The partition that a request or an answer meets now: at the server side (`edge` None) or on its way over an edge.

        A process that is cut off is cut off on all of its edges. Whoever meets one is counted by its lease.
        """
        if not self._partitions:
            return None
        self.sweep()
        for lease in self._leases.values():
            if lease.fault.severs and lease.edge in (None, edge) and lease.draw():
                return self._injection(lease, edge)
        return None

    @property
    def cut_off(self) -> bool:
        """Whether a partition lies between this process and everybody else now."""
        self.sweep()
        return any(lease.fault.severs and lease.edge is None for lease in self._leases.values())

    def _injection(self, lease: Lease, edge: str | None) -> Injection:
        self._observer.injected(lease.id, lease.fault.kind, edge or self._service)
        return Injection(lease, self._clock, self._held)
