"""The breaker under any interleaving of calls, results, cancellations and time."""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.kit.errors import UnreachableError
from services.kit.resilience.breaker import CLOSED, HALF_OPEN, OPEN, AsyncBreaker
from services.kit.resilience.permit import Permit
from services.policy import Breaker as BreakerPolicy

DOWN = UnreachableError("shop->bank", "no connection")
RESET_TICKS = 1_024
LEGAL = {(CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, OPEN), (HALF_OPEN, CLOSED)}


@dataclass
class Window:
    """What happened since the last change of state."""

    opened_at_ticks: int = 0
    failures: int = 0
    successes: int = 0
    permits: list[Permit[int]] = field(default_factory=list)


class BreakerMachine(RuleBasedStateMachine):
    """Counts by hand, window by window, what the breaker must have done."""

    now_ticks = 0  # Of 1/1024 s, so that times are exact as floats.

    @initialize(fail_max=st.integers(1, 3), threshold=st.integers(1, 4), permitted=st.integers(1, 4))
    def begin(self, fail_max: int, threshold: int, permitted: int) -> None:
        self.policy = BreakerPolicy(
            fail_max=fail_max,
            success_threshold=max(threshold, permitted),
            permitted_calls_in_half_open=permitted,
            reset_timeout_ms="1s",
        )
        self.window = Window()
        self.old: list[Permit[int]] = []
        self.breaker = AsyncBreaker(self.policy, lambda: self.now_ticks / 1_024, self.changed)

    def changed(self, old: str, new: str) -> None:
        assert (old, new) in LEGAL
        if new == OPEN:
            assert old == HALF_OPEN or self.window.failures == self.policy.fail_max
        if new == HALF_OPEN:
            assert self.now_ticks >= self.window.opened_at_ticks + RESET_TICKS
        if new == CLOSED:
            assert self.window.successes == self.policy.success_threshold
        self.old += self.window.permits
        self.window = Window(opened_at_ticks=self.now_ticks)

    @rule(ticks=st.sampled_from([1, RESET_TICKS // 2, RESET_TICKS - 1, RESET_TICKS]))
    def time_passes(self, ticks: int) -> None:
        self.now_ticks += ticks

    @rule(calls=st.integers(1, 5))
    def calls_ask_to_be_admitted(self, calls: int) -> None:
        for _ in range(calls):
            self._ask()

    def _ask(self) -> None:
        permit = self.breaker.admit()
        if permit is not None:
            self.window.permits.append(permit)
        elif self.breaker.state == OPEN:
            assert self.now_ticks < self.window.opened_at_ticks + RESET_TICKS
        else:
            assert len(self.window.permits) == self.policy.permitted_calls_in_half_open

    def _permit(self, data: st.DataObject) -> Permit[int]:
        return self.window.permits.pop(data.draw(st.integers(0, len(self.window.permits) - 1)))

    @precondition(lambda self: self.window.permits)
    @rule(data=st.data())
    def a_call_succeeds(self, data: st.DataObject) -> None:
        permit = self._permit(data)
        self.window.failures = 0
        self.window.successes += 1
        permit.succeeded()

    @precondition(lambda self: self.window.permits)
    @rule(data=st.data())
    def a_call_fails(self, data: st.DataObject) -> None:
        permit, before = self._permit(data), self.breaker.state
        self.window.failures += 1
        tripping = before == HALF_OPEN or self.window.failures == self.policy.fail_max
        permit.failed(DOWN)
        assert self.breaker.state == (OPEN if tripping else CLOSED)

    @precondition(lambda self: self.window.permits)
    @rule(data=st.data())
    def a_call_is_cancelled(self, data: st.DataObject) -> None:
        permit, before = self._permit(data), self.breaker.state
        permit.abandoned()
        assert self.breaker.state == before

    @precondition(lambda self: self.old)
    @rule(data=st.data(), ending=st.sampled_from(["succeeded", "failed", "abandoned"]))
    def a_call_of_an_old_window_ends(self, data: st.DataObject, ending: str) -> None:
        permit, before = self.old.pop(data.draw(st.integers(0, len(self.old) - 1))), self.breaker.state
        permit.failed(DOWN) if ending == "failed" else getattr(permit, ending)()
        assert self.breaker.state == before

    @invariant()
    def half_open_never_has_more_calls_under_way_than_permitted(self) -> None:
        if self.breaker.state == HALF_OPEN:
            assert len(self.window.permits) <= self.policy.permitted_calls_in_half_open

    @invariant()
    def nobody_is_under_way_while_open(self) -> None:
        assert self.breaker.state != OPEN or not self.window.permits


BreakerMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestAnyInterleaving = BreakerMachine.TestCase
