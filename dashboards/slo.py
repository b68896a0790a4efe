"""What was promised: how much of each objective's error budget is left, how fast it is spent, and which alerts say so."""

from dashboards import slo_panels, uids, variables
from dashboards.page import Page, row
from observability import names


def page() -> Page:
    """The dashboard."""
    which = slo_panels.chosen("slo")
    return Page(
        uid=uids.SLO,
        title="SLO budget",
        question="Which promise is broken or will be, how fast, and since when? Alerts lead here.",
        variables=[
            variables.all_values_of(
                "slo", "Objective", "Objectives of journeys and services", metric=names.SLO_OBJECTIVE, label=slo_panels.SLO
            )
        ],
        rows=[
            row(
                "Now",
                4,
                slo_panels.missed(which),
                slo_panels.worst_burn(which),
                slo_panels.least_left(which),
                slo_panels.alerts_now(),
            ),
            row("Over time", 12, slo_panels.burn_rate(which), slo_panels.budget_left(which)),
            row("Alerts", 8, slo_panels.firing()),
            row("All objectives", 14, slo_panels.summary(which)),
        ],
    )
