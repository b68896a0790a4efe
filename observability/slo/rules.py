"""Compiles objectives to a Prometheus rule file: indicators in every window, budgets, and alerts that fire on burn rates.

Names of recorded series are Sloth's (https://sloth.dev) where it has one, so that dashboards made for it fit.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

import yaml

from observability import names
from observability.slo.indicators import indicator, traffic
from observability.slo.loader import Slos
from observability.slo.model import Slo
from observability.slo.windows import BurnRow, Severity, WindowProfile, prometheus_duration

HEAD = "# Made by `make rules` from observability/slo.yaml, window profile {profile}. Change that, not this.\n"
JOURNEY_ALERT = "JourneyBurnsErrorBudget"
SERVICE_ALERT = "ServiceBurnsErrorBudget"
DOWN_ALERT = "ServiceDown"
HANGS_ALERT = "ServiceHangs"
DROPPED_ALERT = "TelemetryDropped"
_SCOPES = {"journey": JOURNEY_ALERT, "service": SERVICE_ALERT}
_DAY_S = 86_400
HANGS_AFTER_S = 5
"""A customer's patience: who waits for longer than it on average is served for nothing."""
HANGS_FROM = 50
"""Requests under way, below which an average says nothing."""


@dataclass(frozen=True)
class Recording:
    """A recording rule."""

    record: str
    expr: str
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Alert:
    """An alerting rule. `hold` is Prometheus' `for`."""

    alert: str
    expr: str
    hold: str
    labels: dict[str, str]
    annotations: dict[str, str]


Rule = Recording | Alert


def compile_rules(slos: Slos, windows: WindowProfile) -> str:
    """The rule file's text."""
    groups: dict[str, tuple[int, list[Rule]]] = {
        "page": (
            windows.page_every_s,
            [*_burning(slos, windows, Severity.PAGE), _hangs(slos, windows), _down(slos, windows, Severity.PAGE)],
        ),
        "ticket": (
            windows.ticket_every_s,
            [*_burning(slos, windows, Severity.TICKET), _down(slos, windows, Severity.TICKET), _dropped(windows)],
        ),
        "budget": (windows.ticket_every_s, list(_budgets(slos, windows))),
    }
    document = {
        "groups": [
            {"name": f"slo-{name}", "interval": prometheus_duration(every_s), "rules": [_plain(rule) for rule in rules]}
            for name, (every_s, rules) in groups.items()
        ]
    }
    return HEAD.format(profile=windows.name) + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=10_000)


def ratio(window_s: int) -> str:
    """The series with the share of what went wrong in a window."""
    return f"{names.SLO_ERROR_RATIO}{prometheus_duration(window_s)}"


def _burning(slos: Slos, windows: WindowProfile, severity: Severity) -> Iterator[Rule]:
    """Everything that one severity needs, so that it is evaluated in order, and at the same instant."""
    for window_s in windows.windows_s(severity):
        span = prometheus_duration(window_s)
        yield from (Recording(name, expr) for name, expr in traffic(slos, window_s))
        for slo in slos.every:
            found = indicator(slo, slos, window_s)
            yield Recording(f"{names.SLO_EVENTS}{span}", found.events, slo.labels)
            yield Recording(f"{names.SLO_BAD}{span}", found.bad, slo.labels)
        yield Recording(ratio(window_s), f"{names.SLO_BAD}{span} / ({names.SLO_EVENTS}{span} > 0)")
    for scope, alert in _SCOPES.items():
        yield _alert(alert, scope, windows, severity)


def _alert(alert: str, scope: str, windows: WindowProfile, severity: Severity) -> Alert:
    conditions = [_condition(row, scope, windows.min_events) for row in windows.of(severity)]
    spans = " or ".join(f"{prometheus_duration(row.long_s)} at {row.factor:g} times" for row in windows.of(severity))
    of_label = f"{{{{ $labels.{scope} }}}}"
    return Alert(
        alert=alert,
        expr="\nor\n".join(f"(\n{condition}\n)" for condition in conditions),
        hold="0s",
        labels={"severity": str(severity)},
        annotations={
            "summary": f"{scope} {of_label}: {{{{ $value | humanizePercentage }}}} went wrong ({{{{ $labels.kind }}}})",
            "description": (
                f"The objective {{{{ $labels.slo }}}} is missed, over {spans} what its budget allows. "
                "What counts as having gone wrong is said in docs/slo.md."
            ),
            "dashboard": "/d/firebreak-slo?var-slo={{ $labels.slo }}",
            "runbook": f"docs/slo.md#{alert.lower()}",
        },
    )


def _condition(row: BurnRow, scope: str, min_events: int) -> str:
    """Long and short window burn, and the long one holds enough to tell."""
    of_scope = f'{{{scope}!=""}}'
    budget = f"{row.factor:g} * {names.SLO_BUDGET}{of_scope}"
    events = f"{names.SLO_EVENTS}{prometheus_duration(row.long_s)}{of_scope} * {row.long_s}"
    return (
        f"{ratio(row.long_s)}{of_scope} > {budget}\nand {ratio(row.short_s)}{of_scope} > {budget}\nand {events} >= {min_events}"
    )


def _down(slos: Slos, windows: WindowProfile, severity: Severity) -> Alert:
    """No process of a service answers a scrape. For the entry it is a page: a dead one counts no request, so no budget burns."""
    entry = slos.topology.entry
    others = "|".join(service for service in slos.topology.services if service != entry)
    wanted = f'="{entry}"' if severity is Severity.PAGE else f'=~"{others}"'
    return Alert(
        alert=DOWN_ALERT,
        expr=f"sum by ({names.LABEL_SERVICE}) ({names.UP}{{{names.LABEL_SERVICE}{wanted}}}) == 0",
        hold=prometheus_duration(windows.down_for_s),
        labels={"severity": str(severity)},
        annotations={
            "summary": "no process of {{ $labels.service }} answers",
            "description": f"None of its processes has answered a scrape for {prometheus_duration(windows.down_for_s)}.",
            "dashboard": "/d/firebreak-service?var-service={{ $labels.service }}",
            "runbook": f"docs/slo.md#{DOWN_ALERT.lower()}",
        },
    )


def _hangs(slos: Slos, windows: WindowProfile) -> Alert:
    """More comes in than goes out. What never ends is in no histogram and burns no budget, so that a hang would be silent.

    By Little's law those under way divided by those that end in a second is how long one of them takes.
    """
    # The shortest window there is: pools of connections bound how many hang, so that nothing may be left of what went before.
    wanted = f'{names.LABEL_SERVICE}=~"{"|".join(slos.topology.services)}"'
    span = prometheus_duration(windows.windows_s(Severity.PAGE)[0])
    active = f"sum by ({names.LABEL_SERVICE}) ({names.HTTP_SERVER_ACTIVE}{{{wanted}}})"
    ended = f"sum by ({names.LABEL_SERVICE}) (rate({names.HTTP_SERVER_DURATION}_count{{{wanted}}}[{span}]))"
    return Alert(
        alert=HANGS_ALERT,
        expr=f"{active} > {HANGS_FROM}\nand {active} > {HANGS_AFTER_S} * {ended}",
        hold="0s",
        labels={"severity": str(Severity.PAGE)},
        annotations={
            "summary": "{{ $labels.service }} hangs: {{ $value | humanize }} requests are under way",
            "description": f"Who comes now waits for more than {HANGS_AFTER_S} s, by what went out in the last {span}.",
            "dashboard": "/d/firebreak-service?var-service={{ $labels.service }}",
            "runbook": f"docs/slo.md#{HANGS_ALERT.lower()}",
        },
    )


def _dropped(windows: WindowProfile) -> Alert:
    labels = f"{names.LABEL_SERVICE}, {names.LABEL_SIGNAL}"
    span = prometheus_duration(windows.current_s)
    return Alert(
        alert=DROPPED_ALERT,
        expr=f"sum by ({labels}) (increase({names.TELEMETRY_DROPPED}[{span}])) > 0",
        hold="0s",
        labels={"severity": str(Severity.TICKET)},
        annotations={
            "summary": "{{ $labels.service }} drops {{ $labels.signal }}: {{ $value | humanize }} in the last " + span,
            "description": "The collector is slow or gone; requests are served as before, but whoever looks for them finds gaps.",
            "dashboard": "/d/firebreak-service?var-service={{ $labels.service }}",
            "runbook": f"docs/slo.md#{DROPPED_ALERT.lower()}",
        },
    )


def _budgets(slos: Slos, windows: WindowProfile) -> Iterator[Recording]:
    """What a dashboard needs, by names that hold no window."""
    period_s = windows.period_s or round(slos.file.period_ms / 1_000)
    period, short = prometheus_duration(period_s), prometheus_duration(windows.windows_s(Severity.PAGE)[0])
    for slo in slos.every:
        yield from _constants(slo, period_s)
    # Of sums over rates, not of rates: a month of a histogram is too much to ask for at once.
    bad, events = (f"sum_over_time({name}{short}[{period}])" for name in (names.SLO_BAD, names.SLO_EVENTS))
    yield Recording(f"{names.SLO_ERROR_RATIO}{period}", f"{bad} / ({events} > 0)")
    yield Recording(names.SLO_CURRENT_BURN, f"{ratio(windows.current_s)} / {names.SLO_BUDGET}")
    yield Recording(names.SLO_PERIOD_BURN, f"{names.SLO_ERROR_RATIO}{period} / {names.SLO_BUDGET}")
    yield Recording(names.SLO_BUDGET_REMAINING, f"1 - {names.SLO_PERIOD_BURN}")


def _constants(slo: Slo, period_s: int) -> Iterator[Recording]:
    yield Recording(names.SLO_OBJECTIVE, f"vector({slo.objective:g})", slo.labels)
    yield Recording(names.SLO_BUDGET, f"vector({slo.budget:g})", slo.labels)
    yield Recording(names.SLO_PERIOD_DAYS, f"vector({period_s / _DAY_S:g})", slo.labels)


def _plain(rule: Rule) -> dict[str, object]:
    """As Prometheus writes it."""
    found = {("for" if key == "hold" else key): value for key, value in asdict(rule).items()}
    return {key: value for key, value in found.items() if value}


class _Dumper(yaml.SafeDumper):
    """Writes an expression of several lines as such."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - PyYAML's signature
        """Lists stand deeper than their key."""
        super().increase_indent(flow, False)  # noqa: FBT003 - the same


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
