"""Whose alert explains whose."""

from observability.slo.dependencies import call_edges, silenced_by
from observability.slo.inhibition import Standing, calls
from observability.slo.loader import Slos
from observability.slo.rules import DOWN_ALERT, JOURNEY_ALERT, SERVICE_ALERT
from services.topology import Topology, topology_from_text

FOREVER = float("inf")


def test_edges_that_events_alone_use_are_nobodys_dependency(topology: Topology) -> None:
    assert set(topology.edges) - set(call_edges(topology)) == {"orders->notifications", "deliveries->orders"}


def test_an_alert_explains_those_of_all_who_call_its_service_directly_or_not(slos: Slos, topology: Topology) -> None:
    silenced = silenced_by(topology, slos.journeys)
    assert silenced["payments"].services == ("gateway", "orders")
    assert silenced["deliveries"].services == ("gateway", "orders")
    assert silenced["users"].services == ("gateway",)
    assert silenced["gateway"].services == ()


def test_an_alert_explains_the_journeys_that_need_its_service_and_no_other(slos: Slos, topology: Topology) -> None:
    silenced = silenced_by(topology, slos.journeys)
    assert silenced["deliveries"].journeys == ("order", "track")
    assert silenced["restaurants"].journeys == ("browse", "order")
    assert silenced["gateway"].journeys == ()


def test_services_that_call_each_other_explain_neither() -> None:
    topology = topology_from_text(
        """
services: {shop: {module: a.b, entry: true}, left: {module: a.c}, right: {module: a.d}}
edges: {shop->left: {}, left->right: {}, right->left: {}}
"""
    )
    silenced = silenced_by(topology, {})
    assert silenced["left"].services == ("shop",)
    assert silenced["right"].services == ("shop",)


def page(subject: str, start_s: float, end_s: float = FOREVER, *, journey: bool = False) -> Standing:
    return Standing(JOURNEY_ALERT if journey else SERVICE_ALERT, "journey" if journey else "service", subject, start_s, end_s)


def test_a_symptom_calls_nobody_while_its_cause_stands(slos: Slos, topology: Topology) -> None:
    silenced = silenced_by(topology, slos.journeys)
    cause = page("deliveries", 10, 40)
    assert calls(cause, [page("orders", 9)], silenced)
    assert not calls(page("orders", 11, 41), [cause], silenced)
    assert not calls(page("order", 11, 41, journey=True), [cause], silenced)


def test_a_symptom_that_nothing_explains_calls_somebody(slos: Slos, topology: Topology) -> None:
    silenced = silenced_by(topology, slos.journeys)
    cause = page("deliveries", 10, 40)
    assert calls(page("browse", 11, 41, journey=True), [cause], silenced)
    assert calls(page("users", 11, 41), [cause], silenced)
    assert not calls(page("browse", 11, 12.9, journey=True), [], silenced)


def test_a_symptom_that_comes_before_or_outlives_its_cause_is_silent_for_as_long_as_a_group_waits(
    slos: Slos, topology: Topology
) -> None:
    silenced = silenced_by(topology, slos.journeys)
    cause = page("deliveries", 10, 40)
    assert not calls(page("orders", 8.1, 41.9), [cause], silenced)
    assert calls(page("orders", 7.9, 41), [cause], silenced)
    assert calls(page("orders", 11, 42.1), [cause], silenced)
    assert not calls(page("orders", 11, 61), [cause, page("payments", 41, 60)], silenced)


def test_that_no_process_of_the_entry_is_left_is_explained_by_nobodys_trouble(slos: Slos, topology: Topology) -> None:
    down = Standing(DOWN_ALERT, "service", "gateway", 20, 60)
    assert calls(down, [page("deliveries", 10)], silenced_by(topology, slos.journeys))
