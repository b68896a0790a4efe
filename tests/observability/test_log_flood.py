import logging

from observability.log_flood import BURST_LINES, LINES_PER_S, FloodGate


class Clock:
    """Time that passes when a test says so."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def record() -> logging.LogRecord:
    return logging.makeLogRecord({"msg": "said"})


def test_a_burst_is_written_and_what_comes_faster_is_left_out() -> None:
    gate = FloodGate(Clock())
    assert sum(gate.filter(record()) for _ in range(2 * BURST_LINES)) == BURST_LINES


def test_the_first_line_after_a_flood_says_how_many_are_missing() -> None:
    clock = Clock()
    gate = FloodGate(clock)
    for _ in range(BURST_LINES + 7):
        gate.filter(record())
    clock.now_s += 1
    first, second = record(), record()
    assert gate.filter(first)
    assert gate.filter(second)
    assert vars(first)["lines_left_out"] == 7
    assert "lines_left_out" not in vars(second)


def test_a_second_lets_as_many_lines_through_as_the_bound_says() -> None:
    clock = Clock()
    gate = FloodGate(clock)
    for _ in range(BURST_LINES):
        gate.filter(record())
    clock.now_s += 1
    assert sum(gate.filter(record()) for _ in range(2 * LINES_PER_S)) == LINES_PER_S
