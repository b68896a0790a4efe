"""What must happen in the end: orders that are neither done nor undone, and events on their way."""

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Panel

from dashboards import thresholds, uids
from dashboards.head import Head, Query
from dashboards.page import Page, row
from dashboards.panels import lines, number
from dashboards.promql import INSTANCE, above_zero, happened, or_none, or_zero, rate, total
from observability import names

_WAITING = thresholds.up_to(20, 200)


def page() -> Page:
    """The dashboard."""
    return Page(
        uid=uids.SAGA,
        title="Saga and events",
        question="Is anything stuck: an order half done, an event that nobody took, a system outside that is full?",
        rows=[
            row("Now", 4, _open_now(), _taken_now(), _pending_now(), _dead_now()),
            row("Sagas", 9, _open(), _finished(), _taken()),
            row("Events: sent", 9, _pending(), _sent(), _failed()),
            row("Events: received", 9, _received(), _dead()),
            row("Systems outside", 9, _slots(), _waiting()),
        ],
    )


def _of_service(gauge: str) -> str:
    """A fact of a service's database, which each of its replicas tells."""
    return total(gauge, (names.LABEL_SERVICE,), "max")


def _open_now() -> Panel:
    return number(
        Head("Open sagas", "Orders that are neither done nor undone.", units.NoUnit, steps=_WAITING),
        Query(or_zero(total(_of_service(names.SAGAS_OPEN))), "open"),
    )


def _taken_now() -> Panel:
    return number(
        Head(
            "Taken over", "Sagas that recovery took up since the replicas that are up began, repetitions included.", units.NoUnit
        ),
        Query(or_zero(total(names.SAGAS_TAKEN_OVER)), "taken over"),
    )


def _pending_now() -> Panel:
    return number(
        Head("Events waiting", "Events that are kept and not yet handed on, to all destinations.", units.NoUnit, steps=_WAITING),
        Query(or_zero(total(total(names.OUTBOX_PENDING, (names.LABEL_SERVICE, names.LABEL_DESTINATION), "max"))), "waiting"),
    )


def _dead_now() -> Panel:
    return number(
        Head(
            "Dead letters",
            "Events that could not be handled and wait for somebody: `testbed dead-letters` shows them.",
            units.NoUnit,
            steps=thresholds.ANY_IS_BAD,
        ),
        Query(or_zero(total(_of_service(names.DEAD_LETTERS))), "dead"),
    )


def _open() -> Panel:
    return lines(
        Head("Open sagas", "Sagas that are neither done nor undone. They rise while a step's service is away.", units.NoUnit),
        Query(_of_service(names.SAGAS_OPEN), "{{service}}"),
    )


def _finished() -> Panel:
    return lines(
        Head("Finished sagas", "done: every step succeeded; undone: what was done was taken back.", units.CountsPerSecond),
        Query(rate(names.SAGAS_FINISHED, by=(names.LABEL_OUTCOME,)), "{{outcome}}"),
        colours={"done": "green", "undone": "orange"},
    )


def _taken() -> Panel:
    return lines(
        Head(
            "Sagas taken over",
            "Sagas that recovery took up: another worker left them, or a step of their undoing has to be tried again.",
            units.NoUnit,
            empty="No worker was ever left behind",
        ),
        Query(or_none(happened(names.SAGAS_TAKEN_OVER, by=(names.LABEL_STATE,)), names.LABEL_STATE), "{{state}}"),
    )


def _pending() -> Panel:
    return lines(
        Head(
            "Events waiting in outboxes",
            "Events not yet handed on, by destination. One that is away collects; none is lost.",
            units.NoUnit,
            steps=_WAITING,
        ),
        Query(
            total(names.OUTBOX_PENDING, (names.LABEL_SERVICE, names.LABEL_DESTINATION), "max"), "{{service}} to {{destination}}"
        ),
    )


def _sent() -> Panel:
    return lines(
        Head("Events sent", "Events that arrived at a destination.", units.EventsPerSecond),
        Query(
            above_zero(rate(names.OUTBOX_SENT, by=(names.LABEL_EVENT, names.LABEL_DESTINATION))), "{{event}} to {{destination}}"
        ),
        stacked=True,
    )


def _failed() -> Panel:
    by = (names.LABEL_EVENT, names.LABEL_DESTINATION)
    return lines(
        Head(
            "Sendings that failed",
            "Attempts to hand on an event that will be made again.",
            units.NoUnit,
            empty="None ever failed",
        ),
        Query(or_none(happened(names.OUTBOX_ATTEMPTS_FAILED, by=by), *by), "{{event}} to {{destination}}"),
    )


def _received() -> Panel:
    by = (names.LABEL_SERVICE, names.LABEL_OUTCOME)
    return lines(
        Head(
            "Events received",
            "handled: once; duplicate: seen before and left alone; failed: will come again; dead: given up.",
            units.EventsPerSecond,
        ),
        Query(above_zero(rate(names.INBOX_EVENTS, by=by)), "{{service}}: {{outcome}}"),
        stacked=True,
    )


def _dead() -> Panel:
    return lines(
        Head(
            "Dead letters",
            "Events that could not be handled, by the service that has them; they wait until somebody replays them.",
            units.NoUnit,
            steps=thresholds.ANY_IS_BAD,
        ),
        Query(_of_service(names.DEAD_LETTERS), "{{service}}"),
    )


def _slots() -> Panel:
    by = (INSTANCE, names.LABEL_EXTERNAL)
    share = f"{total(names.EXTERNAL_SLOTS_USED, by)} / {total(names.EXTERNAL_SLOTS, by)}"
    return lines(
        Head(
            "Slots in use",
            "The share of a simulated system's places that a replica's calls take, such as the acquirer's that payments calls.",
            units.PercentUnit,
            steps=thresholds.SATURATION,
            maximum=1,
        ),
        Query(share, "{{external}} of {{instance}}"),
    )


def _waiting() -> Panel:
    return lines(
        Head(
            "Calls that wait for a slot", "The queue before a simulated system outside: the first sign of overload.", units.NoUnit
        ),
        Query(total(names.EXTERNAL_WAITING, (INSTANCE, names.LABEL_EXTERNAL)), "{{external}} of {{instance}}"),
    )
