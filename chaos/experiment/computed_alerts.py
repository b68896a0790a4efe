"""The alerts that would have fired, computed from what the load's record says customers were answered.

Of journeys only: what services answer each other is in no record of the load.
"""

import math
import re
from collections.abc import Iterable, Sequence

from chaos.experiment.alert_record import AlertRecord, AlertSource, AlertSpan
from chaos.experiment.journeys import RequestLine
from observability.slo.burn import Counts, firings
from observability.slo.indicators import ANSWERED
from observability.slo.loader import Slos
from observability.slo.model import Kind, Slo
from observability.slo.rules import JOURNEY_ALERT
from observability.slo.windows import DEMO, Severity

_ANSWERED = re.compile(ANSWERED)
_NO_CONNECTION = "error"
"""The load generator's word for a request without an answer that nobody gave up."""


def computed_alerts(requests: Sequence[RequestLine], slos: Slos, end_s: float) -> AlertRecord:
    """Pages and tickets of every journey that slo.yaml knows, under the windows of a demonstration."""
    spans = [
        AlertSpan(
            alert=JOURNEY_ALERT,
            severity=severity,
            state="firing",
            scope="journey",
            subject=slo.subject,
            kind=slo.kind,
            start_s=firing.start_s,
            end_s=firing.end_s,
        )
        for slo in slos.every
        if slo.scope == "journey"
        for severity in Severity
        for firing in firings(count(requests, slo, slos, end_s), slo.budget, DEMO, severity)
    ]
    return AlertRecord(source=AlertSource.COMPUTED, until_s=float(math.floor(end_s)), spans=tuple(spans))


def count(requests: Iterable[RequestLine], slo: Slo, slos: Slos, end_s: float) -> Counts:
    """What a journey's objective counts, by the second in which a request ended: of its steps, in whatever journey."""
    steps = set(slos.journeys[slo.subject].steps.values())
    wanted = {(name, step) for name, journey in slos.journeys.items() for step, asked in journey.steps.items() if asked in steps}
    events, bad = ([0] * math.floor(end_s) for _ in range(2))
    for request in requests:
        if (request.journey, request.step) not in wanted or not 0 <= request.done < len(events):
            continue
        counts, wrong = _judge(request, slo)
        events[int(request.done)] += counts
        bad[int(request.done)] += wrong
    return Counts(events, bad)


def _judge(request: RequestLine, slo: Slo) -> tuple[bool, bool]:
    """Whether a request counts, and whether it went wrong: as the compiled indicators have it."""
    slow = request.done - request.sent > slo.threshold_s
    answered = _ANSWERED.fullmatch(str(request.status)) is not None
    if slo.kind is Kind.LATENCY:
        return answered, answered and slow
    if request.status == 0:  # Not even a connection is the customers' word alone: a gateway that is dead counts nothing.
        counts = slow or request.outcome == _NO_CONNECTION
        return counts, counts
    return True, not answered
