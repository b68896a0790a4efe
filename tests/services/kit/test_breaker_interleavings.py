"""Both breakers under any interleaving of calls, results, cancellations and time."""

from abc import abstractmethod
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.kit.errors import UnreachableError
from services.kit.resilience.breaker import CLOSED, HALF_OPEN, OPEN
from services.kit.resilience.breakers import CircuitBreaker, make_breaker
from services.kit.resilience.permit import Permit
from services.kit.resilience.window import BUCKETS
from services.policy import AnyBreaker, Breaker, RateBreaker

DOWN = UnreachableError("shop->bank", "no connection")
TICKS_PER_S = 1_024  # So that times are exact as floats.
RESET_TICKS = 1_024
SLICE_TICKS = 128
SLOW_TICKS = 256
LEGAL = {(CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, OPEN), (HALF_OPEN, CLOSED)}


@dataclass(frozen=True)
class Given:
    """A permit, and when it was given."""

    permit: Permit[object]
    at_ticks: int


@dataclass(frozen=True)
class Result:
    """How a call ended, and when."""

    at_ticks: int
    failed: bool
    slow: bool


@dataclass
class WindowOfTime:
    """What happened since the last change of state."""

    opened_at_ticks: int = 0
    admitted_at_ticks: int = 0
    results: list[Result] = field(default_factory=list)
    under_way: list[Given] = field(default_factory=list)


class Interleavings(RuleBasedStateMachine):
    """Counts by hand, window by window, what a breaker must have done."""

    now_ticks = 0
    breaker: CircuitBreaker

    def watch(self, policy: AnyBreaker) -> None:
        self.window = WindowOfTime()
        self.old: list[Given] = []
        self.breaker = make_breaker(policy, lambda: self.now_ticks / TICKS_PER_S, self.changed)

    @property
    @abstractmethod
    def is_full(self) -> bool:
        """Whether half-open admits nobody."""

    @abstractmethod
    def expected(self, before: str) -> str:
        """The state that the results since the last change ask for, when it was `before`."""

    def changed(self, old: str, new: str) -> None:
        assert (old, new) in LEGAL
        if new == HALF_OPEN:
            assert self.now_ticks >= self.window.opened_at_ticks + RESET_TICKS
        else:
            assert self.expected(old) == new
        self.old += self.window.under_way
        self.window = WindowOfTime(opened_at_ticks=self.now_ticks)

    @rule(ticks=st.sampled_from([1, SLICE_TICKS, SLOW_TICKS, SLOW_TICKS + 1, RESET_TICKS - 1, RESET_TICKS]))
    def time_passes(self, ticks: int) -> None:
        self.now_ticks += ticks

    @rule(calls=st.integers(1, 5))
    def calls_ask_to_be_admitted(self, calls: int) -> None:
        for _ in range(calls):
            self._ask()

    def _ask(self) -> None:
        before = self.breaker.state
        was_full = before == HALF_OPEN and self.is_full
        are_silent = self.now_ticks >= self.window.admitted_at_ticks + RESET_TICKS
        permit = self.breaker.admit()
        if before == OPEN:
            assert (permit is not None) == (self.now_ticks >= self.window.opened_at_ticks + RESET_TICKS or self._just_changed())
        elif was_full:
            assert (permit is not None) == (are_silent and bool(self.window.under_way))
            if permit is not None:  # Those who said nothing for so long have lost their places.
                self.old += self.window.under_way
                self.window.under_way = []
        else:
            assert permit is not None
        if permit is not None:
            self.window.under_way.append(Given(permit, self.now_ticks))
            self.window.admitted_at_ticks = self.now_ticks

    def _just_changed(self) -> bool:
        return self.breaker.state == HALF_OPEN and self.window.opened_at_ticks == self.now_ticks

    def _taken(self, data: st.DataObject) -> Given:
        return self.window.under_way.pop(data.draw(st.integers(0, len(self.window.under_way) - 1)))

    @precondition(lambda self: self.window.under_way)
    @rule(data=st.data(), failed=st.booleans())
    def a_call_ends(self, data: st.DataObject, *, failed: bool) -> None:
        given, before = self._taken(data), self.breaker.state
        slow = self.now_ticks - given.at_ticks > SLOW_TICKS
        self.window.results.append(Result(self.now_ticks, failed, slow))
        expected = self.expected(before)
        given.permit.failed(DOWN) if failed else given.permit.succeeded()
        assert self.breaker.state == expected

    @precondition(lambda self: self.window.under_way)
    @rule(data=st.data())
    def a_call_is_cancelled(self, data: st.DataObject) -> None:
        given, before = self._taken(data), self.breaker.state
        given.permit.abandoned()
        assert self.breaker.state == before

    @precondition(lambda self: self.old)
    @rule(data=st.data(), ending=st.sampled_from(["succeeded", "failed", "abandoned"]))
    def a_call_of_an_old_window_ends(self, data: st.DataObject, ending: str) -> None:
        permit = self.old.pop(data.draw(st.integers(0, len(self.old) - 1))).permit
        before = self.breaker.state
        permit.failed(DOWN) if ending == "failed" else getattr(permit, ending)()
        assert self.breaker.state == before

    @invariant()
    def nobody_is_under_way_while_open(self) -> None:
        assert self.breaker.state != OPEN or not self.window.under_way


class ByFailuresInARow(Interleavings):
    """The breaker over pybreaker."""

    @initialize(fail_max=st.integers(1, 3), threshold=st.integers(1, 4), permitted=st.integers(1, 4))
    def begin(self, fail_max: int, threshold: int, permitted: int) -> None:
        self.policy = Breaker(
            fail_max=fail_max,
            success_threshold=max(threshold, permitted),
            permitted_calls_in_half_open=permitted,
            reset_timeout_ms="1s",
        )
        self.watch(self.policy)

    @property
    def is_full(self) -> bool:
        return len(self.window.under_way) == self.policy.permitted_calls_in_half_open

    def expected(self, before: str) -> str:
        endings = [result.failed for result in self.window.results]
        if before == HALF_OPEN:
            return OPEN if any(endings) else CLOSED if len(endings) == self.policy.success_threshold else HALF_OPEN
        in_a_row = len(endings) - max((place for place, failed in enumerate(endings, 1) if not failed), default=0)
        return OPEN if in_a_row == self.policy.fail_max else CLOSED

    @invariant()
    def half_open_never_has_more_calls_under_way_than_permitted(self) -> None:
        if self.breaker.state == HALF_OPEN:
            assert len(self.window.under_way) <= self.policy.permitted_calls_in_half_open


class ByRates(Interleavings):
    """The breaker over a sliding window."""

    @initialize(
        failure_rate=st.sampled_from([1, 25, 50, 75, 100]),
        slow_rate=st.sampled_from([1, 50, 100]),
        minimum=st.integers(1, 6),
        permitted=st.integers(1, 5),
    )
    def begin(self, failure_rate: int, slow_rate: int, minimum: int, permitted: int) -> None:
        self.policy = RateBreaker(
            kind="rate",
            failure_rate_threshold=failure_rate,
            slow_call_rate_threshold=slow_rate,
            slow_call_duration_ms="250ms",
            sliding_window_ms="1250ms",
            minimum_calls=minimum,
            permitted_calls_in_half_open=permitted,
            reset_timeout_ms="1s",
        )
        self.watch(self.policy)

    @property
    def is_full(self) -> bool:
        return len(self.window.under_way) + len(self.window.results) == self.policy.permitted_calls_in_half_open

    def _too_many(self, results: list[Result]) -> bool:
        failed, slow = sum(each.failed for each in results), sum(each.slow for each in results)
        policy = self.policy
        return (
            failed / len(results) >= policy.failure_rate_threshold / 100
            or slow / len(results) >= policy.slow_call_rate_threshold / 100
        )

    def expected(self, before: str) -> str:
        if before == HALF_OPEN:
            missing = self.policy.permitted_calls_in_half_open - len(self.window.results)
            if self._too_many([*self.window.results, *[Result(0, failed=False, slow=False)] * missing]):
                return OPEN  # Whatever the others would say.
            return HALF_OPEN if self._too_many([*self.window.results, *[Result(0, failed=True, slow=True)] * missing]) else CLOSED
        oldest = self.now_ticks // SLICE_TICKS - BUCKETS + 1
        counted = [each for each in self.window.results if each.at_ticks // SLICE_TICKS >= oldest]
        return OPEN if len(counted) >= self.policy.minimum_calls and self._too_many(counted) else CLOSED

    @invariant()
    def half_open_never_admits_more_calls_than_permitted(self) -> None:
        if self.breaker.state == HALF_OPEN:
            admitted = len(self.window.under_way) + len(self.window.results)
            assert admitted <= self.policy.permitted_calls_in_half_open


ByFailuresInARow.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
ByRates.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestByFailuresInARow = ByFailuresInARow.TestCase
TestByRates = ByRates.TestCase
