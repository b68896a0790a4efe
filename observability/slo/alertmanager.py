"""Compiles objectives to Alertmanager's configuration: routes, groups, and who is silenced by whose alert.

A caller's page says what customers or callers feel; its callee's says why. Where both fire, only the cause calls anybody. And a
page makes the ticket of the same objective needless. A process that is dead and telemetry that is lost have reasons of their own:
nobody else's trouble silences them, and lost telemetry explains nobody's.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import yaml

from observability import names
from observability.slo.dependencies import silenced_by
from observability.slo.loader import Slos
from observability.slo.rules import DOWN_ALERT, HANGS_ALERT, JOURNEY_ALERT, SERVICE_ALERT
from observability.slo.windows import Severity

GROUP_WAIT_S: Final = 2
"""A page waits so long for the alert that explains it. What stands uninhibited for less calls nobody."""
SYMPTOMS: Final = (JOURNEY_ALERT, SERVICE_ALERT, HANGS_ALERT)
"""Alerts that the trouble of a callee may explain."""
_CAUSES: Final = (SERVICE_ALERT, HANGS_ALERT, DOWN_ALERT)
"""Alerts of a service that explain the symptoms of who needs it."""
_HEAD = "# Made by `make rules` from observability/slo.yaml and services/topology.yaml. Change those, not this.\n"
_NOBODY = "nobody"
_WEBHOOK = "webhook"
_PAGE_REPEAT, _TICKET_REPEAT = "4h", "24h"


def compile_alertmanager(slos: Slos, webhook: str | None = None) -> str:
    """The configuration's text; every alert goes to `webhook`, a URL, or to nobody."""
    receiver = _WEBHOOK if webhook else _NOBODY
    receivers: list[dict[str, object]] = [{"name": _NOBODY}]
    if webhook:
        receivers.append({"name": _WEBHOOK, "webhook_configs": [{"url": webhook, "send_resolved": True}]})
    subjects = ["alertname", names.LABEL_SERVICE, "journey"]
    page: dict[str, object] = {
        "receiver": receiver,
        "matchers": [_is("severity", Severity.PAGE)],
        "group_by": list(subjects),  # A copy: YAML would point from one list to the other.
        "group_wait": f"{GROUP_WAIT_S}s",
        "group_interval": "30s",
        "repeat_interval": _PAGE_REPEAT,
    }
    ticket: dict[str, object] = {
        "receiver": receiver,
        "matchers": [_is("severity", Severity.TICKET)],
        "group_by": [names.LABEL_SERVICE, "journey"],
        "group_wait": "1m",
        "group_interval": "10m",
        "repeat_interval": _TICKET_REPEAT,
    }
    document = {
        "route": {"receiver": _NOBODY, "group_by": list(subjects), "routes": [page, ticket]},
        "receivers": receivers,
        "inhibit_rules": list(_inhibitions(slos)),
    }
    return _HEAD + yaml.safe_dump(document, sort_keys=False, width=10_000)


def _inhibitions(slos: Slos) -> Iterator[dict[str, object]]:
    yield {
        "source_matchers": [_is("severity", Severity.PAGE)],
        "target_matchers": [_is("severity", Severity.TICKET), 'slo!=""'],
        "equal": ["slo"],
    }
    for service, silenced in silenced_by(slos.topology, slos.journeys).items():
        for label, subjects in ((names.LABEL_SERVICE, silenced.services), ("journey", silenced.journeys)):
            if subjects:
                source = [_is_one_of("alertname", _CAUSES), _is(names.LABEL_SERVICE, service)]
                target = [_is_one_of("alertname", SYMPTOMS), _is_one_of(label, subjects)]
                yield {"source_matchers": [*source, _is("severity", Severity.PAGE)], "target_matchers": target}
                of_ticket = _is("severity", Severity.TICKET)
                yield {"source_matchers": [*source, of_ticket], "target_matchers": [*target, of_ticket]}


def _is(label: str, value: str) -> str:
    return f'{label}="{value}"'


def _is_one_of(label: str, values: Iterable[str]) -> str:
    return f'{label}=~"{"|".join(values)}"'
