"""The law of leases: when one is in force, what it counts, and what the table refuses."""

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.faults import Abort, AnyFault, Error, Latency
from chaos.inject.control import LeaseRefusedError
from chaos.inject.leases import (
    MAX_ENDED,
    MAX_LEASES,
    LeaseConflictError,
    LeaseTable,
    TableFullError,
    UnknownEdgeError,
)
from chaos.inject.messages import LeaseRequest, LeaseView
from tests.chaos.requests import Notes


@dataclass
class HandClock:
    """Moves when told; nothing waits on it here."""

    now_s: float = 1_000.0

    def now(self) -> float:
        return self.now_s

    async def wait(self, event: asyncio.Event, timeout_s: float) -> None:
        raise AssertionError("nothing waits in these tests")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def table(clock: HandClock, notes: Notes) -> LeaseTable:
    return LeaseTable(service="payments", edges=("payments->bank",), seed=7, clock=clock, observer=notes)


def ask(
    lease_id: str | None = None,
    *,
    lease_ms: float = 1_000,
    fault: AnyFault | None = None,
    edge: str | None = None,
    rate: float = 1.0,
) -> LeaseRequest:
    return LeaseRequest(id=lease_id, fault=fault or Abort(), edge=edge, rate=rate, lease_ms=lease_ms)


def hits(table: LeaseTable, requests: int, edge: str | None = None) -> int:
    return sum(len(list(table.draw(edge))) for _ in range(requests))


def in_force(table: LeaseTable) -> list[str]:
    return [lease.id for lease in table.snapshot().leases]


def test_a_lease_acts_until_its_instant_and_not_at_it(table: LeaseTable, clock: HandClock) -> None:
    table.grant(ask(lease_ms=1_000))
    clock.now_s += 0.999
    assert hits(table, 1) == 1
    clock.now_s += 0.001
    assert hits(table, 1) == 0


def test_a_lease_that_ended_while_the_process_was_stopped_injects_nothing_afterwards(
    table: LeaseTable, clock: HandClock, notes: Notes
) -> None:
    table.grant(ask(lease_ms=30_000))
    clock.now_s += 3_000  # Nothing of ours ran meanwhile.
    assert hits(table, 10) == 0
    assert notes.injections == []
    assert in_force(table) == []


def test_a_renewal_moves_the_end_and_keeps_the_counts(table: LeaseTable, clock: HandClock) -> None:
    table.grant(ask("a", lease_ms=1_000))
    hits(table, 3)
    clock.now_s += 0.9
    renewed = table.grant(ask("a", lease_ms=1_000))
    assert (renewed.remaining_ms, renewed.seen, renewed.injected) == (1_000, 3, 3)
    clock.now_s += 0.9
    assert in_force(table) == ["a"]


def test_a_renewal_may_not_change_the_fault(table: LeaseTable) -> None:
    table.grant(ask("a"))
    for other in (ask("a", fault=Error()), ask("a", rate=0.5), ask("a", edge="payments->bank")):
        with pytest.raises(LeaseConflictError, match="lease a is of abort"):
            table.grant(other)


@pytest.mark.parametrize("healed", [True, False])
def test_renewing_does_not_bring_a_fault_back_that_has_ended(table: LeaseTable, clock: HandClock, *, healed: bool) -> None:
    table.grant(ask("a", lease_ms=1_000))
    if healed:
        assert table.heal("a") == 1
    else:
        clock.now_s += 2
    with pytest.raises(LeaseConflictError, match="has ended"):
        table.grant(ask("a"))
    assert hits(table, 5) == 0


def test_the_table_holds_64_leases_and_says_so(table: LeaseTable, clock: HandClock) -> None:
    for number in range(MAX_LEASES):
        table.grant(ask(str(number)))
    with pytest.raises(TableFullError, match="64 leases are in force"):
        table.grant(ask("one-more"))
    assert len(in_force(table)) == MAX_LEASES
    clock.now_s += 2
    table.grant(ask("room"))
    assert in_force(table) == ["room"]


def test_a_fault_on_an_edge_that_does_not_start_here_is_refused(table: LeaseTable) -> None:
    with pytest.raises(UnknownEdgeError, match=r"'orders->payments' does not start here; allowed: payments->bank"):
        table.grant(ask(edge="orders->payments"))


def test_a_table_without_a_list_of_edges_accepts_any() -> None:
    assert LeaseTable().grant(ask(edge="a->b")).edge == "a->b"


def test_healing_one_leaves_the_others(table: LeaseTable) -> None:
    table.grant(ask("a"))
    table.grant(ask("b"))
    assert (table.heal("a"), in_force(table)) == (1, ["b"])
    assert (table.heal("a"), table.heal(), table.heal()) == (0, 1, 0)


def test_ended_leases_keep_their_final_counts(table: LeaseTable, clock: HandClock) -> None:
    table.grant(ask("a"))
    hits(table, 5)
    clock.now_s += 5
    hits(table, 5)
    (ended,) = table.snapshot().ended
    assert (ended.id, ended.seen, ended.injected, ended.remaining_ms) == ("a", 5, 5, 0)


def test_the_last_64_ended_leases_are_kept(table: LeaseTable) -> None:
    for number in range(MAX_ENDED + 10):
        table.grant(ask(str(number)))
        table.heal()
    assert [lease.id for lease in table.snapshot().ended] == [str(number) for number in range(10, MAX_ENDED + 10)]


def test_the_server_side_and_an_edge_do_not_mix(table: LeaseTable, notes: Notes) -> None:
    table.grant(ask("server"))
    table.grant(ask("client", fault=Error(), edge="payments->bank"))
    assert hits(table, 1) == 1
    assert hits(table, 1, "payments->bank") == 1
    assert hits(table, 1, "payments->users") == 0
    assert notes.injections == [("server", "abort", "payments"), ("client", "error", "payments->bank")]


def test_the_rate_is_drawn_per_request_from_the_seed() -> None:
    def share(seed: int) -> list[int]:
        table = LeaseTable(seed=seed)
        table.grant(ask(rate=0.3, lease_ms=3_600_000))
        return [hits(table, 1) for _ in range(2_000)]

    assert share(1) == share(1)
    assert share(1) != share(2)
    assert 500 < sum(share(1)) < 700  # 0.3 of 2,000 is 600; the standard deviation is 20.


def test_seen_and_injected_are_what_was_decided_and_what_was_hit(table: LeaseTable) -> None:
    table.grant(ask(rate=0.5))
    injected = hits(table, 100)
    (lease,) = table.snapshot().leases
    assert (lease.seen, lease.injected) == (100, injected)
    assert 0 < injected < 100


def test_one_lease_does_not_change_the_draws_of_another() -> None:
    def drawn(*, crowded: bool) -> list[int]:
        table = LeaseTable(seed=3)
        table.grant(ask("a", rate=0.5, lease_ms=3_600_000))
        if crowded:
            table.grant(ask("b", rate=0.5, edge="a->b", lease_ms=3_600_000))
            hits(table, 50, "a->b")
        return [hits(table, 1) for _ in range(50)]

    assert drawn(crowded=True) == drawn(crowded=False)


def test_a_request_that_a_lease_ended_is_not_counted_by_the_next(table: LeaseTable) -> None:
    table.grant(ask("first"))
    table.grant(ask("second"))
    next(table.draw(None))  # The first one's abort ends the request here.
    assert [lease.seen for lease in table.snapshot().leases] == [1, 0]


def test_a_lease_that_ends_while_the_one_before_it_delays_does_not_act(table: LeaseTable, clock: HandClock) -> None:
    table.grant(ask("slow", fault=Latency(latency_ms=500), lease_ms=2_000))
    table.grant(ask("short", lease_ms=100))
    drawn = table.draw(None)
    assert isinstance(next(drawn).fault, Latency)
    clock.now_s += 0.5
    assert list(drawn) == []


def test_what_is_in_force_is_told_by_fault_and_place_until_the_moment_it_ends(table: LeaseTable, clock: HandClock) -> None:
    table.grant(ask("a"))
    table.grant(ask("b", lease_ms=5_000))
    table.grant(ask("c", fault=Latency(latency_ms=1), edge="payments->bank", lease_ms=5_000))
    assert table.in_force() == {("abort", "payments"): 2, ("latency", "payments->bank"): 1}
    clock.now_s += 2
    assert table.in_force() == {("abort", "payments"): 1, ("latency", "payments->bank"): 1}
    table.heal()
    assert table.in_force() == {}


IDS = st.sampled_from(["a", "b", "c"])
STEPS = st.one_of(
    st.tuples(st.just("grant"), st.one_of(st.none(), IDS), st.floats(1, 5_000)),
    st.tuples(st.just("heal"), st.one_of(st.none(), IDS), st.just(0.0)),
    st.tuples(st.just("pass"), st.none(), st.floats(0, 3_000)),
)


class Law:
    """Applies steps and checks after each what must hold whatever happened before."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.table = LeaseTable(clock=self.clock)
        self.ends_at_s: dict[str, float] = {}

    def step(self, kind: str, lease_id: str | None, amount_ms: float) -> None:
        if kind == "pass":
            self.clock.now_s += amount_ms / 1_000
        elif kind == "heal":
            self.table.heal(lease_id)
        else:
            self._grant(lease_id, amount_ms)
        self._check(self.table.snapshot().leases)

    def _grant(self, lease_id: str | None, lease_ms: float) -> None:
        had_ended = lease_id in {lease.id for lease in self.table.snapshot().ended}
        try:
            view = self.table.grant(ask(lease_id, lease_ms=lease_ms))
        except LeaseRefusedError:
            assert had_ended or len(self.table.snapshot().leases) == MAX_LEASES
        else:
            assert not had_ended
            self.ends_at_s[view.id] = self.clock.now_s + lease_ms / 1_000

    def _check(self, leases: tuple[LeaseView, ...]) -> None:
        ended = {lease.id for lease in self.table.snapshot().ended}
        assert len(leases) <= MAX_LEASES
        assert not ended & {lease.id for lease in leases}
        for lease in leases:
            assert lease.remaining_ms == pytest.approx((self.ends_at_s[lease.id] - self.clock.now_s) * 1_000, abs=0.01)


@given(st.lists(STEPS, max_size=120))
@settings(max_examples=100, deadline=None)
def test_whatever_happens_no_lease_outlives_what_was_last_asked_for_it(steps: list[tuple[str, str | None, float]]) -> None:
    law = Law()
    for kind, lease_id, amount_ms in steps:
        law.step(kind, lease_id, amount_ms)
