"""Proof 5: after the fault was lifted everything came back, undegraded, and stayed; and how long that took."""

from collections import Counter
from collections.abc import Iterable, Mapping

from chaos.experiment.journeys import Journey
from chaos.experiment.outcomes import ProofKind, ProofStatus, Role
from chaos.experiment.result import Proof, Recovery
from chaos.experiment.windows import Window

QUIET_S = 3.0
"""How long everything must have been well at the end to be called back; a third of a shorter phase."""
STRAYS = 1
"""Journeys a second that may fail or be degraded in a system that is well: one slow disk write is no outage."""


def quiet_s(window: Window) -> float:
    """How long everything must have been well at the end of a window for it to hold a recovery."""
    return min(QUIET_S, window.length_s / 3)


def find_recovery(journeys: Iterable[Journey], roles: Mapping[str, Role], window: Window) -> Recovery:
    """Time from the window's start to the last journey that was not well, in a second in which more than STRAYS were not.

    Not well is what failed or was served degraded. Watched journeys are too rare to count.
    """
    unwell = sorted(
        (journey.intended_s, journey.name)
        for journey in journeys
        if not (journey.succeeded and not journey.degraded)
        and roles.get(journey.name) in (Role.JUDGED, Role.MAY_DEGRADE)
        and window.contains(journey.intended_s)
    )
    a_second = Counter(int(instant_s - window.start_s) for instant_s, _ in unwell)
    last_s, last_name = window.start_s, None
    for instant_s, name in unwell:
        if a_second[int(instant_s - window.start_s)] > STRAYS:
            last_s, last_name = instant_s, name
    if window.length_s == 0 or window.end_s - last_s < quiet_s(window):
        return Recovery(recovered=False, after_s=None, last_journey=last_name)
    return Recovery(recovered=True, after_s=round(last_s - window.start_s, 3), last_journey=last_name)


def recovery_proof(recovery: Recovery, window: Window) -> Proof:
    """Tells a recovery as a proof."""
    if recovery.recovered and recovery.after_s is not None:
        late = f", {recovery.last_journey} last" if recovery.last_journey else ""
        sentence = f"every journey was back {recovery.after_s:.1f} s after the fault was lifted{late}, and stayed so"
        return _proof(ProofStatus.PROVEN, sentence, {"after_s": recovery.after_s, "watched_s": round(window.length_s, 3)})
    if recovery.last_journey is None:
        return _proof(ProofStatus.UNKNOWN, "the load ended before anybody could see a recovery", {})
    sentence = f"{recovery.last_journey} was not back {window.length_s:.1f} s after the fault was lifted"
    return _proof(ProofStatus.REFUTED, sentence, {"watched_s": round(window.length_s, 3)})


def _proof(status: ProofStatus, sentence: str, numbers: dict[str, float]) -> Proof:
    return Proof(kind=ProofKind.RECOVERY, status=status, sentence=sentence, numbers=numbers)
