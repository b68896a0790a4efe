"""A process that is told to end has sent the spans of its last requests, on both paths, before it is gone."""

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from random import randbytes

import pytest

from observability.trace_options import TracePath
from testbed.control import RestartRequest, SystemStatus, ask
from testbed.launch import LaunchOptions, launch, running_supervisor, stop

pytestmark = pytest.mark.system

REQUESTS = 40
BOUND_S = 30.0


@pytest.fixture(params=TracePath)
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, SystemStatus]]:
    state = tmp_path / "state"
    try:
        yield state, launch(LaunchOptions(state=state, free_ports=True, stack=False, tracing=TracePath(request.param)))
    finally:
        if running_supervisor(state):
            stop(state)


def get(url: str, **headers: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:  # noqa: S310 - of this machine.
        body: bytes = answer.read()
    return body


def servers_of(store: str, trace_id: str) -> set[str]:
    """Services whose server spans the store has of a trace."""
    try:
        [trace] = json.loads(get(f"{store}/api/traces/{trace_id}"))["data"]
    except urllib.error.HTTPError as error:
        error.close()
        return set()
    kinds = {
        (trace["processes"][span["processID"]]["serviceName"], tag["value"]) for span in trace["spans"] for tag in span["tags"]
    }
    return {service for service, value in kinds if value == "server"}


def test_the_spans_of_the_last_requests_arrive(running: tuple[Path, SystemStatus]) -> None:
    state, system = running
    entry, store = system.addresses["gateway"], system.addresses["traces"]
    traces = [randbytes(16).hex() for _ in range(REQUESTS)]
    for trace_id in traces:
        get(f"{entry}/v1/restaurants", traceparent=f"00-{trace_id}-{'7' * 16}-01")
    for service in ("gateway", "restaurants"):
        ask(state, RestartRequest(service=service, replica=None))
    until_s = time.monotonic() + BOUND_S
    missing = set(traces)
    while missing and time.monotonic() < until_s:
        missing = {trace_id for trace_id in missing if servers_of(store, trace_id) != {"gateway", "restaurants"}}
    assert missing == set()
