"""One stack for all tests of this folder."""

import os
from collections.abc import Iterator

import pytest

from tests.compose.stack import HOW_TO_GET_IT, WITH_THEM, Stack, can_have, is_here


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All replicas, healthy, with PostgreSQL and NATS. Where there is no engine, its tests are skipped; in CI they fail.

    FIREBREAK_IMAGE names an image of ours that is there already; otherwise one is built.
    """
    if not is_here():
        _miss(HOW_TO_GET_IT)
    stack = Stack(tmp_path_factory.mktemp("compose"))
    for service in WITH_THEM:
        if not can_have(stack.image(service)):
            _miss(f"{stack.image(service)} is not here and cannot be pulled")
    try:
        if "FIREBREAK_IMAGE" not in os.environ:
            stack.compose("build", "--quiet", "migrate")
        stack.compose("up", "--detach", "--wait", *stack.replicas)
        yield stack
    finally:
        assert stack.down() == []


@pytest.fixture(scope="session")
def prometheus(stack: Stack) -> str:
    """Address of the stack's Prometheus."""
    if not can_have(stack.image("prometheus")):
        pytest.skip(f"{stack.image('prometheus')} is not here and cannot be pulled")
    stack.compose("up", "--detach", "--wait", "--no-deps", "prometheus")
    return f"http://127.0.0.1:{stack.ports['FIREBREAK_PROMETHEUS_PORT']}"


@pytest.fixture(scope="session")
def watched(stack: Stack, prometheus: str) -> Stack:
    """The stack with what an experiment asks: traces and alerts as well."""
    for service in ("jaeger", "alertmanager"):
        if not can_have(stack.image(service)):
            pytest.skip(f"{stack.image(service)} is not here and cannot be pulled")
        stack.compose("up", "--detach", "--wait", "--no-deps", service)
    assert prometheus
    return stack


def _miss(how_to_get_it: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(how_to_get_it)
    pytest.skip(how_to_get_it)
