from testbed.restarts import MAX_DELAY_S, MAX_RESTARTS, WINDOW_S, RestartBudget


def test_each_restart_in_the_window_waits_twice_as_long_as_the_one_before() -> None:
    budget = RestartBudget()
    delays = [budget.take(0.0) for _ in range(MAX_RESTARTS)]
    assert delays == [0.1, 0.2, 0.4, 0.8, 1.6]
    assert all(delay is not None and delay <= MAX_DELAY_S for delay in delays)


def test_a_process_that_keeps_ending_is_given_up() -> None:
    budget = RestartBudget()
    for second in range(MAX_RESTARTS):
        budget.take(float(second))
    assert budget.take(10.0) is None


def test_restarts_long_ago_do_not_count() -> None:
    budget = RestartBudget()
    for _ in range(MAX_RESTARTS):
        budget.take(0.0)
    assert budget.take(WINDOW_S) == 0.1


def test_a_start_that_somebody_asked_for_forgets_the_past() -> None:
    budget = RestartBudget()
    for _ in range(MAX_RESTARTS):
        budget.take(0.0)
    budget.reset()
    assert budget.take(1.0) == 0.1
