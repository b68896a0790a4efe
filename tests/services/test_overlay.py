"""One document laid over another: what comes of it, and where its mistakes are named."""

import pytest

from services.document import Document, DocumentError, parse_document
from services.overlay import overlay
from services.policy import Breaker, Limit, RateBreaker, Retry
from services.topology import External, default_topology_path, topology_of

BASE = default_topology_path().read_text(encoding="utf-8")


def laid_over(text: str) -> Document:
    """FeastFast's map with `text` laid over it, as it stands under `system` in an experiment."""
    indented = "\n".join(f"  {line}" for line in text.splitlines())
    return overlay(parse_document(BASE, "map.yaml"), parse_document(f"title: x\nsystem:\n{indented}\n", "mine.yaml"), ("system",))


def test_what_is_not_named_stays_and_what_is_named_changes() -> None:
    before, after = (
        topology_of(parse_document(BASE, "map.yaml")),
        topology_of(
            laid_over(
                "services: {payments: {replicas: 1, external: {slots: 1}}}\nedges: {orders->payments: {retry: {max_attempts: 4}}}"
            )
        ),
    )
    payments, edge = after.services["payments"], after.edges["orders->payments"]
    assert payments.replicas == 1
    assert payments.external == External.model_validate({"service_time": "40ms", "slots": 1})
    assert edge.retry == Retry(max_attempts=4)
    assert after.services["orders"] == before.services["orders"]
    assert {k: v for k, v in after.edges.items() if k != "orders->payments"} == {
        k: v for k, v in before.edges.items() if k != "orders->payments"
    }


def test_null_removes_a_pattern_and_leaves_its_neighbours() -> None:
    edge = topology_of(laid_over("edges: {orders->payments: {breaker: null}}")).edges["orders->payments"]
    assert edge.breaker is None
    assert edge.budget is not None


def test_another_kind_replaces_the_whole_mapping() -> None:
    text = "edges: {orders->payments: {breaker: {kind: consecutive, fail_max: 3}}}"
    assert isinstance(topology_of(parse_document(BASE, "map.yaml")).edges["orders->payments"].breaker, RateBreaker)
    assert topology_of(laid_over(text)).edges["orders->payments"].breaker == Breaker(fail_max=3)


def test_the_kind_that_need_not_be_named_is_no_other_one_when_it_is_named() -> None:
    text = (
        "services: {payments: {limit: {kind: gradient2, min_limit: 6}}}\n"
        "edges: {gateway->orders: {breaker: {kind: consecutive, reset_timeout: 1s}}}"
    )
    changed = topology_of(laid_over(text))
    assert changed.edges["gateway->orders"].breaker == Breaker.model_validate({"fail_max": 10, "reset_timeout": "1s"})
    assert changed.services["payments"].limit == Limit(min_limit=6, max_limit=40)


def test_the_base_is_as_it_was() -> None:
    base, change = parse_document(BASE, "map.yaml"), parse_document("system: {edges: {orders->payments: {breaker: null}}}", "x")
    overlay(base, change, ("system",))
    assert base == parse_document(BASE, "map.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "services:\n  payments: {replica: 1}",
            r"^mine\.yaml:4: system\.services\.payments\.replica: unknown key; .*did you mean replicas",
        ),
        (
            "edges:\n  orders->payments:\n    timeout: {attempt: 9s}",
            r"^mine\.yaml:4: system\.edges\.orders->payments: timeout\.attempt \(9s\) is longer than deadline",
        ),
        ("edges:\n  orders->payments:\n    breakr: null", r"^mine\.yaml:5: system\.edges\.orders->payments\.breakr: unknown key"),
        ("services:\n  users: null", r"^mine\.yaml:2: system\.edges\.gateway->users: unknown service 'users'"),
        ("services: {gateway: {port: 80, replicas: 2}}", r"^mine\.yaml:3: system\.services\.gateway: a fixed port"),
    ],
)
def test_a_mistake_is_named_where_the_change_was_written(text: str, said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        topology_of(laid_over(text))


def test_of_two_layers_the_last_one_that_wrote_a_place_answers_for_it() -> None:
    first = laid_over("edges: {orders->payments: {retry: {max_attempts: 3}}}")
    second = parse_document("arms:\n  one: {edges: {orders->payments: {retry: {max_attempts: 9}}}}", "mine.yaml")
    with pytest.raises(DocumentError, match=r"^mine\.yaml:2: arms\.one\.edges\.orders->payments\.retry\.max_attempts: "):
        topology_of(overlay(first, second, ("arms", "one")))
