"""Changes of policies under leases: composed in their order, possible at every instant, over on time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.inject.control import LeaseRefusedError
from services.kit.policies.leases import MAX_LEASES, ImpossiblePolicyError, PolicyLeases
from services.kit.policies.messages import PolicyRequest
from services.policy import EdgePolicy, Limit, Pattern, Profile
from services.policy.assignment import parameters
from services.policy.change import Change, Policies, Removal, Reprofile, Setting, changed

BANK, STOCK = "shop->bank", "shop->stock"
DECLARED = Policies(
    "shop",
    {
        BANK: EdgePolicy.model_validate(
            {"deadline": "2s", "timeout": {"attempt": "500ms"}, "retry": {}, "budget": {}, "breaker": {"fail_max": 5}}
        ),
        STOCK: EdgePolicy.model_validate({"timeout": {"attempt": "1s"}}),
    },
    Limit(),
)


class HandClock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Bench:
    """A table over a clock that is moved by hand."""

    def __init__(self, started: Policies = DECLARED) -> None:
        self.clock = HandClock()
        self.table = PolicyLeases(DECLARED, started, self.clock)
        self._ids = 0

    def make(self, change: Change, for_s: float = 60.0) -> str:
        self._ids += 1
        return self.table.grant(PolicyRequest(id=f"c{self._ids}", change=change, lease_ms=for_s * 1_000)).id

    def after(self, seconds: float) -> None:
        self.clock.now_s += seconds
        self.table.sweep()

    def value(self, key: str, edge: str = BANK) -> str | None:
        return parameters(self.table.in_force.edges[edge]).get(key)


def set_(key: str, value: str, place: str = BANK) -> Setting:
    return Setting(place=place, values={key: value})


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_change_is_in_force_until_its_end_and_then_all_is_as_it_was(bench: Bench) -> None:
    bench.make(set_("retry.max_attempts", "5"), for_s=60)
    bench.after(59.999)
    assert bench.value("retry.max_attempts") == "5"
    bench.after(0.001)
    assert bench.table.in_force == DECLARED


def test_a_change_for_less_than_the_clock_can_tell_ends_like_any_other(bench: Bench) -> None:
    bench.make(set_("retry.max_attempts", "5"), for_s=1e-15)
    assert bench.table.left_s() == pytest.approx(0)
    bench.after(0.001)
    assert (bench.table.in_force, bench.table.count) == (DECLARED, 0)


def test_a_clock_that_ran_on_while_the_process_was_stopped_ends_all_that_is_over(bench: Bench) -> None:
    bench.make(set_("retry.max_attempts", "5"), for_s=1)
    bench.make(Reprofile(profile=Profile.NONE), for_s=2)
    bench.make(set_("limit.max_limit", "30", "shop"), for_s=500)
    bench.after(100)
    assert bench.table.in_force == changed(DECLARED, set_("limit.max_limit", "30", "shop"), DECLARED)


def test_changes_compose_in_the_order_of_their_coming_and_what_ends_falls_out(bench: Bench) -> None:
    bench.make(set_("retry.max_attempts", "3"), for_s=60)
    bench.make(set_("retry.max_attempts", "5"), for_s=20)
    bench.make(set_("breaker.fail_max", "9"), for_s=40)
    assert (bench.value("retry.max_attempts"), bench.value("breaker.fail_max")) == ("5", "9")
    bench.after(20)
    assert (bench.value("retry.max_attempts"), bench.value("breaker.fail_max")) == ("3", "9")
    bench.after(20)
    assert (bench.value("retry.max_attempts"), bench.value("breaker.fail_max")) == ("3", "5")


def test_a_pattern_that_is_off_is_switched_on(bench: Bench) -> None:
    bench.make(set_("breaker.fail_max", "3", STOCK))
    assert (bench.value("breaker.fail_max", STOCK), bench.value("breaker.reset_timeout", STOCK)) == ("3", "5s")


def test_a_pattern_is_switched_off_at_one_place_or_everywhere(bench: Bench) -> None:
    bench.make(Removal(pattern=Pattern.TIMEOUT, place=BANK), for_s=10)
    assert (bench.value("timeout.attempt"), bench.value("timeout.attempt", STOCK)) == (None, "1s")
    bench.make(Removal(pattern=Pattern.TIMEOUT), for_s=20)
    bench.make(Removal(pattern=Pattern.LIMIT, place="shop"), for_s=20)
    assert (bench.value("timeout.attempt", STOCK), bench.table.in_force.limit) == (None, None)
    bench.after(20)
    assert bench.table.in_force == DECLARED


def test_a_profile_begins_from_the_map_whatever_the_process_was_started_with(bench: Bench) -> None:
    bare = Bench(started=changed(DECLARED, Reprofile(profile=Profile.NONE), DECLARED))
    bare.make(set_("deadline", "9s"))
    bare.make(Reprofile(profile=Profile.TIMEOUTS_ONLY))
    assert parameters(bare.table.in_force.edges[BANK]) == {
        "repeatable": "true",
        "balancer": "round_robin",
        "timeout.attempt": "500ms",
        "timeout.connect": "250ms",
    }
    bare.make(Reprofile(profile=Profile.DECLARED))
    assert bare.table.in_force == DECLARED


def test_an_impossible_policy_is_refused_with_the_reason_and_nothing_changes(bench: Bench) -> None:
    with pytest.raises(ImpossiblePolicyError, match=r"^shop->bank: timeout\.attempt \(3s\) is longer than deadline \(2s\)"):
        bench.make(set_("timeout.attempt", "3s"))
    assert (bench.table.in_force, bench.table.count) == (DECLARED, 0)


def test_a_change_that_would_be_impossible_once_an_earlier_one_ends_is_refused_beforehand(bench: Bench) -> None:
    bench.make(set_("deadline", "5s"), for_s=20)
    too_long = set_("timeout.attempt", "3s")
    with pytest.raises(ImpossiblePolicyError, match=r"once an earlier change \(deadline=5s\) ends, in 20\.0 s$"):
        bench.make(too_long, for_s=30)
    bench.make(too_long, for_s=20)
    assert bench.value("timeout.attempt") == "3s"
    bench.after(20)
    assert bench.table.in_force == DECLARED


def test_what_is_left_when_another_is_taken_back_is_always_possible_and_what_is_not_ends_with_it(bench: Bench) -> None:
    first = bench.make(set_("deadline", "5s"), for_s=60)
    bench.make(set_("timeout.attempt", "3s"), for_s=30)
    assert bench.table.end(first) == (set_("deadline", "5s"), set_("timeout.attempt", "3s"))
    assert (bench.table.in_force, bench.table.count) == (DECLARED, 0)


def test_a_place_that_is_not_here_is_refused_with_those_that_are(bench: Bench) -> None:
    with pytest.raises(ImpossiblePolicyError, match=r"^'bank->shop' is no place here; allowed: shop->bank, shop->stock, shop$"):
        bench.make(set_("deadline", "5s", "bank->shop"))


def test_an_id_in_force_is_not_taken_twice(bench: Bench) -> None:
    request = PolicyRequest(id="same", change=set_("deadline", "5s"), lease_ms=1_000)
    bench.table.grant(request)
    with pytest.raises(LeaseRefusedError, match="a change same is in force already; take a new id"):
        bench.table.grant(request)


def test_the_table_is_bounded_and_has_room_again_when_a_change_ends(bench: Bench) -> None:
    for number in range(MAX_LEASES):
        bench.make(Reprofile(profile=Profile.NONE), for_s=number + 1)
    with pytest.raises(LeaseRefusedError, match="64 changes are in force already; end some first: testbed policy reset"):
        bench.make(Reprofile(profile=Profile.NONE))
    bench.after(1)
    bench.make(Reprofile(profile=Profile.NONE))
    assert bench.table.count == MAX_LEASES


def test_ending_all_ends_all(bench: Bench) -> None:
    bench.make(set_("deadline", "5s"))
    bench.make(Reprofile(profile=Profile.NONE))
    assert len(bench.table.end()) == 2
    assert (bench.table.in_force, bench.table.end()) == (DECLARED, ())


def test_a_change_is_shown_with_its_age_and_the_time_that_is_left(bench: Bench) -> None:
    bench.make(set_("deadline", "5s"), for_s=60)
    bench.after(12.5)
    (view,) = bench.table.views()
    assert (view.change, view.age_ms, view.remaining_ms) == (set_("deadline", "5s"), 12_500, 47_500)
    assert bench.table.left_s() == 47.5


CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.builds(
        lambda edge, pair: set_(pair[0], pair[1], edge),
        st.sampled_from([BANK, STOCK]),
        st.sampled_from(
            [
                *(("deadline", "5s"), ("deadline", "600ms"), ("timeout.attempt", "3s"), ("timeout.attempt", "300ms")),
                *(("hedge.delay", "400ms"), ("budget.max_tokens", "5"), ("retry.max_attempts", "4"), ("bulkhead.max_wait", "1s")),
            ]
        ),
    ),
    st.builds(lambda pattern: Removal(pattern=pattern), st.sampled_from([Pattern.TIMEOUT, Pattern.DEADLINE, Pattern.RETRY])),
    st.builds(lambda profile: Reprofile(profile=profile), st.sampled_from(list(Profile))),
)
STEPS = st.lists(st.tuples(CHANGES, st.integers(1, 50), st.integers(0, 10)), max_size=10)


@given(STEPS)
def test_at_every_instant_what_is_in_force_is_what_the_changes_not_over_make_of_the_start(
    steps: list[tuple[Change, int, int]],
) -> None:
    bench = Bench()
    granted: list[tuple[float, Change]] = []
    for change, for_s, wait_s in steps:
        try:
            bench.make(change, for_s=for_s)
        except ImpossiblePolicyError:
            pass
        else:
            granted.append((bench.clock.now_s + for_s, change))
        bench.after(wait_s)
        expected = DECLARED
        for ends_at_s, each in granted:
            if ends_at_s > bench.clock.now_s:
                expected = changed(expected, each, DECLARED)
        assert bench.table.in_force == expected
        for policy in expected.edges.values():
            EdgePolicy.model_validate(policy.model_dump(mode="json"))
    bench.after(100)
    assert bench.table.in_force == DECLARED
