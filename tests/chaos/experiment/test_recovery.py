from chaos.experiment.journeys import Journey
from chaos.experiment.outcomes import Role
from chaos.experiment.proofs.recovery import find_recovery
from chaos.experiment.windows import Window

WINDOW = Window(45.0, 60.0)
ROLES = {"order": Role.JUDGED, "sign_in": Role.WATCHED}


def _journeys(*degraded_at_s: float, name: str = "order") -> list[Journey]:
    instants_s = sorted({45 + n / 10 for n in range(150)} | set(degraded_at_s))
    return [Journey(name, s, s + 0.1, True, s in degraded_at_s, None, frozenset()) for s in instants_s]


def test_a_system_is_back_after_the_last_second_in_which_several_journeys_suffered() -> None:
    recovery = find_recovery(_journeys(46.2, 46.4, 48.1, 48.3), ROLES, WINDOW)
    assert recovery.recovered
    assert (recovery.after_s, recovery.last_journey) == (3.3, "order")


def test_a_single_stray_journey_does_not_undo_a_recovery() -> None:
    recovery = find_recovery(_journeys(46.2, 46.4, 59.5), ROLES, WINDOW)
    assert recovery.recovered
    assert recovery.after_s == 1.4


def test_two_that_suffer_in_the_last_seconds_do() -> None:
    assert not find_recovery(_journeys(46.2, 46.4, 59.3, 59.5), ROLES, WINDOW).recovered


def test_a_watched_journey_is_too_rare_to_count() -> None:
    assert find_recovery(_journeys(59.3, 59.5, name="sign_in"), ROLES, WINDOW).after_s == 0.0
