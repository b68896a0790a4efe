"""The breaker's thresholds and times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kit.errors import UnreachableError
from services.kit.resilience.breaker import CLOSED, HALF_OPEN, OPEN

if TYPE_CHECKING:
    from tests.services.kit.conftest import Tools

RESET_MS = 5_000
DOWN = UnreachableError("shop->bank", "no connection")


def test_consecutive_failures_up_to_the_maximum_open_it(tools: Tools) -> None:
    breaker = tools.Breaker()
    breaker.fail(2)
    assert breaker.state == CLOSED
    breaker.fail(1)
    assert breaker.state == OPEN


def test_a_success_between_failures_starts_the_count_again(tools: Tools) -> None:
    breaker = tools.Breaker()
    breaker.fail(2)
    breaker.admitted().succeeded()
    breaker.fail(2)
    assert breaker.state == CLOSED


def test_while_open_it_admits_nobody_until_the_reset_timeout(tools: Tools) -> None:
    breaker = tools.Breaker()
    breaker.fail(3)
    breaker.clock.advance_ms(RESET_MS - 1)
    assert breaker.admit() is None
    breaker.clock.advance_ms(1)
    assert breaker.admit() is not None
    assert breaker.state == HALF_OPEN


def test_a_probe_that_fails_opens_it_for_a_whole_reset_timeout_again(tools: Tools) -> None:
    breaker = tools.Breaker.half_opened()
    breaker.clock.advance_ms(3_000)
    breaker.admitted().failed(DOWN)
    assert breaker.state == OPEN
    breaker.clock.advance_ms(RESET_MS - 1)
    assert breaker.admit() is None
    breaker.clock.advance_ms(1)
    assert breaker.admit() is not None


def test_as_many_successes_as_the_threshold_close_it(tools: Tools) -> None:
    breaker = tools.Breaker.half_opened(success_threshold=2)
    breaker.admitted().succeeded()
    assert breaker.state == HALF_OPEN
    breaker.admitted().succeeded()
    assert breaker.state == CLOSED


def test_successes_of_an_earlier_half_open_window_do_not_count(tools: Tools) -> None:
    breaker = tools.Breaker.half_opened(success_threshold=2)
    breaker.admitted().succeeded()
    breaker.admitted().failed(DOWN)
    breaker.clock.advance_ms(RESET_MS)
    breaker.admitted().succeeded()
    assert breaker.state == HALF_OPEN


def test_failures_from_before_it_opened_do_not_count_once_it_has_closed(tools: Tools) -> None:
    breaker = tools.Breaker.half_opened()
    breaker.admitted().succeeded()
    breaker.fail(2)
    assert breaker.state == CLOSED


def test_every_change_is_told_with_the_state_before_it(tools: Tools) -> None:
    breaker = tools.Breaker.half_opened()
    breaker.admitted().succeeded()
    assert breaker.changes == [(CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, CLOSED)]


def test_only_the_first_report_of_a_permit_counts(tools: Tools) -> None:
    breaker = tools.Breaker()
    permit = breaker.admitted()
    for _ in range(5):
        permit.failed(DOWN)
        permit.abandoned()
        permit.succeeded()
    breaker.fail(1)
    assert breaker.state == CLOSED
    breaker.fail(1)
    assert breaker.state == OPEN
