"""The chaos command in a container of its own, beside the services."""

import subprocess
from collections.abc import Callable

import pytest

from tests.compose.stack import Stack

pytestmark = pytest.mark.compose

Inside = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def inside(stack: Stack) -> Inside:
    """Runs it as people do."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return stack.compose("--profile", "chaos", "run", "--rm", "chaos", *arguments, check=False)

    return run


def test_requests_are_hurt_from_inside_after_the_container_is_gone_and_healed_from_another(inside: Inside, stack: Stack) -> None:
    slow = inside("slow", "payments", "--latency", "300ms", "--for", "60s")
    assert (slow.returncode, slow.stdout.startswith("latency 300 ms at payments (in payments/1, payments/2) until ")) == (0, True)
    status = inside("status").stdout
    assert (status.count("latency 300 ms"), "Not seen from here: kills and pauses" in status) == (2, True)
    assert inside("heal", "payments").stdout.startswith("Ended 2 faults at payments.")
    assert inside("status").stdout.startswith("Nothing is injected.")
    assert stack.compose("--profile", "*", "ps", "--all", "--quiet", "chaos").stdout == ""


def test_what_needs_docker_is_refused_with_where_to_go(inside: Inside, stack: Stack) -> None:
    refused = inside("kill", "orders/2")
    assert (refused.returncode, refused.stderr.count("where Docker is: chaos kill orders/2")) == (2, 1)
    assert stack.inspect("orders-2")["State"]["Running"] is True


def test_it_is_started_with_nothing_and_kept_running_for_nobody(stack: Stack) -> None:
    stack.compose("--profile", "chaos", "up", "--detach", "--no-deps", "chaos")
    assert stack.compose("--profile", "*", "ps", "--all", "--quiet", "chaos").stdout == ""
