"""FeastFast in containers: orders are placed, faults are leases, and what goes wrong is said."""

import json
import re
import subprocess
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from loadtests.journeys.catalogue import PASSWORD, email
from tests.compose.stack import Stack

pytestmark = pytest.mark.compose

SOON_S, PAUSE_S = 60.0, 0.25
BY_PID_1 = "import os, signal, sys; os.kill(int(sys.argv[1]), int(sys.argv[2]))"
FILL = """
import os
with open("/run/firebreak/ballast", "wb", buffering=0) as file:
    try:
        while True:
            file.write(bytes(65_536))
    except OSError as error:
        print(error.strerror)
"""


def call(url: str, body: object = None, **headers: str) -> Any:
    """The JSON answer to a GET, or to a POST of `body`."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})  # noqa: S310 - ours
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - ours
        return json.load(answer)


class Customer:
    """Who has signed in at the gateway."""

    def __init__(self, stack: Stack, number: int) -> None:
        self._gateway = f"http://127.0.0.1:{stack.ports['FIREBREAK_GATEWAY_PORT']}/v1"
        self._token = call(f"{self._gateway}/sessions", {"email": email(number), "password": PASSWORD})["token"]

    def ask(self, path: str, body: object = None) -> Any:
        return call(f"{self._gateway}/{path}", body, Authorization=f"Bearer {self._token}")

    def order(self) -> str:
        """Id of the order that they place."""
        return str(self.ask("orders", {"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 2}]})["id"])

    def status(self, order: str) -> str:
        return str(self.ask(f"orders/{order}")["status"])


def soon(holds: Callable[[], bool]) -> bool:
    """Whether it holds before SOON_S are over, asked seldom enough for the gateway's limits."""
    deadline = time.monotonic() + SOON_S
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_S)
    return True


def state_in(stack: Stack, service: str, pid: int) -> str:
    """The kernel's letter for a process of a container; empty when it is gone."""
    told = stack.run_in(service, "cat", f"/proc/{pid}/stat", check=False).stdout
    return told.rpartition(")")[2].split()[0] if told else ""


def is_up(stack: Stack, service: str, other_than: int = 0) -> bool:
    instance = stack.instance(service)
    return bool(instance["state"] == "up" and instance["pid"] != other_than)


def test_an_order_goes_through_all_services(stack: Stack) -> None:
    customer = Customer(stack, 1)
    assert customer.status(customer.order()) == "confirmed"


def test_what_orders_tell_reaches_the_customer_over_nats(stack: Stack) -> None:
    customer = Customer(stack, 2)
    customer.order()
    assert soon(lambda: [each["kind"] for each in customer.ask("notifications")["notifications"]] == ["confirmed"])


def test_process_1_tells_who_runs_where(stack: Stack) -> None:
    status = stack.ask("orders-2", op="status")["status"]
    assert (status["supervisor_pid"], status["phase"], status["profile"]) == (1, "ready", "declared")
    (instance,) = status["instances"]
    assert (instance["service"], instance["replica"], instance["host"], instance["port"]) == ("orders", 2, "orders-2", 8080)


def test_a_pause_ends_with_its_lease_though_whoever_asked_for_it_was_killed(stack: Stack) -> None:
    pid = stack.instance("payments-2")["pid"]
    request = json.dumps({"op": "fault", "kind": "pause", "service": "payments", "lease_ms": 8_000}) + "\n"
    command = stack.command("exec", "-T", "payments-2", "python", "-m", "testbed.container", "ask")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=stack.environment) as asker:
        assert asker.stdin is not None
        asker.stdin.write(request.encode())
        asker.stdin.flush()
        assert soon(lambda: state_in(stack, "payments-2", pid) == "T")
        asker.kill()
    assert [lease["kind"] for lease in stack.ask("payments-2", op="status")["status"]["leases"]] == ["pause"]
    assert soon(lambda: state_in(stack, "payments-2", pid) != "T")
    assert stack.ask("payments-2", op="status")["status"]["leases"] == []
    journal = stack.run_in("payments-2", "python", "-m", "testbed.container", "journal").stdout.splitlines()
    ended = [json.loads(line) for line in journal][-2:]
    assert [(each["event"], each["reason"]) for each in ended] == [
        ("lease_ended", "its time is over"),
        ("resume", "pause lease ended"),
    ]


def test_a_service_killed_in_its_container_is_started_again_by_process_1(stack: Stack) -> None:
    before = stack.inspect("orders-1")["State"]["StartedAt"]
    pid = stack.instance("orders-1")["pid"]
    stack.run_in("orders-1", "python", "-S", "-c", BY_PID_1, str(pid), "9")
    assert soon(lambda: is_up(stack, "orders-1", other_than=pid))
    assert stack.inspect("orders-1")["State"]["StartedAt"] == before


def test_a_held_down_service_comes_back_when_it_is_healed(stack: Stack) -> None:
    customer = Customer(stack, 3)
    stack.ask("deliveries-1", op="fault", kind="kill", service="deliveries", lease_ms=600_000)
    try:
        assert soon(lambda: bool(stack.instance("deliveries-1")["state"] == "down"))
        order = customer.order()
        assert customer.status(order) == "awaiting_courier"
    finally:
        healed = stack.ask("deliveries-1", op="heal")["healed"]
    assert healed == 1
    assert soon(lambda: is_up(stack, "deliveries-1"))
    assert soon(lambda: customer.status(order) == "confirmed")


def test_a_container_that_is_stopped_ends_in_time_and_by_itself(stack: Stack) -> None:
    stack.compose("stop", "notifications-1")
    state = stack.inspect("notifications-1")["State"]
    stack.compose("up", "--detach", "--wait", "notifications-1")
    assert (state["Status"], state["ExitCode"], state["OOMKilled"]) == ("exited", 0, False)


def test_a_container_whose_process_1_dies_is_started_again_by_the_engine(stack: Stack) -> None:
    container = stack.inspect("users-1")
    # From outside, as the kernel would when memory is short: no signal from inside reaches process 1 that it does not handle.
    stack.run_in("users-1", "python", "-S", "-c", BY_PID_1, "1", "9")
    assert stack.inspect("users-1")["State"]["StartedAt"] == container["State"]["StartedAt"]
    stack.run_in("users-1", "python", "-S", "-c", BY_PID_1, "1", "15")
    assert soon(lambda: bool(stack.inspect("users-1")["RestartCount"] > container["RestartCount"]))
    assert soon(lambda: stack.inspect("users-1")["State"].get("Health", {}).get("Status") == "healthy")


def test_garbage_and_two_requests_at_once_do_no_harm(stack: Stack) -> None:
    def ask(line: str) -> dict[str, Any]:
        told = stack.compose("exec", "-T", "restaurants-1", "python", "-m", "testbed.container", "ask", said=f"{line}\n")
        answer: dict[str, Any] = json.loads(told.stdout)
        return answer

    # A container's limit has room for two that ask, not for a crowd: beyond that the kernel ends those who ask.
    with ThreadPoolExecutor(2) as pool:
        well = list(pool.map(ask, ['{"op": "status"}'] * 2))
    bad = [ask(line) for line in ("garbage", '{"op": "fault", "kind": "melt"}', "[" * 90_000)]
    assert [answer["error"] for answer in well] == [None, None]
    assert all(answer["error"].startswith("bad request") for answer in bad)
    assert is_up(stack, "restaurants-1")


def test_a_full_tmpfs_costs_the_journal_and_no_lease(stack: Stack) -> None:
    pid = stack.instance("payments-1")["pid"]
    assert stack.run_in("payments-1", "python", "-S", "-c", FILL).stdout.strip() == "No space left on device"
    try:
        answer = stack.ask("payments-1", op="fault", kind="pause", service="payments", lease_ms=1_000)
        assert answer["error"] is None
        assert soon(lambda: not stack.ask("payments-1", op="status")["status"]["leases"])
        assert state_in(stack, "payments-1", pid) in ("S", "R")
    finally:
        stack.run_in("payments-1", "rm", "/run/firebreak/ballast")


def test_a_service_may_next_to_nothing_in_its_container(stack: Stack) -> None:
    status = dict(line.split(":", 1) for line in stack.run_in("gateway-1", "cat", "/proc/1/status").stdout.splitlines())
    assert (status["Uid"].split()[0], status["CapEff"].strip(), status["CapBnd"].strip()) == ("10001", "0" * 16, "0" * 16)
    assert status["NoNewPrivs"].strip() == "1"
    for path in ("/app/x", "/etc/x", "/opt/firebreak/x", "/x"):
        assert "Read-only file system" in stack.run_in("gateway-1", "touch", path, check=False).stderr
    assert stack.run_in("gateway-1", "sh", "-c", "command -v pip gcc cc make", check=False).stdout == ""


def test_nobody_outside_of_this_machine_is_listened_to(stack: Stack) -> None:
    for service in (*stack.replicas, "postgres", "nats"):
        bindings = stack.inspect(service)["NetworkSettings"]["Ports"] or {}
        assert {each["HostIp"] for hosts in bindings.values() for each in hosts or ()} <= {"127.0.0.1"}


def test_every_container_has_a_bound_on_its_memory_and_its_processes(stack: Stack) -> None:
    for service in (*stack.replicas, "postgres", "nats", "migrate"):
        host = stack.inspect(service)["HostConfig"]
        assert host["Memory"] > 0
        assert 0 < host["PidsLimit"] <= 128
        assert (host["Privileged"], host["ReadonlyRootfs"], host["CapAdd"]) == (False, True, None)


def test_databases_that_are_at_head_stay_as_they_are(stack: Stack) -> None:
    told = stack.compose("run", "--rm", "--no-deps", "migrate").stdout
    assert told.strip() == "at head: users, restaurants, orders, payments, deliveries, notifications"


def test_another_prefix_is_fresh_data_on_the_same_server(stack: Stack) -> None:
    stack.compose("run", "--rm", "--no-deps", "migrate", FIREBREAK_DATABASES="another")
    databases = stack.run_in(
        "postgres", "psql", "-h", "/var/run/postgresql", "-U", "postgres", "-XAtc", "SELECT datname FROM pg_database"
    ).stdout
    assert {"firebreak_orders", "another_orders", "another_users"} <= set(databases.split())


def test_no_service_reaches_the_data_of_another(stack: Stack) -> None:
    password = stack.secrets["DATABASE_PASSWORD_ORDERS"]
    url = f"postgresql://firebreak_orders:{password}@127.0.0.1/firebreak_payments"
    refused = stack.run_in("postgres", "psql", url, "-c", "SELECT 1", check=False)
    assert 'permission denied for database "firebreak_payments"' in refused.stderr


@pytest.mark.parametrize(
    ("service", "changed", "said"),
    [
        ("orders-1", {"FIREBREAK_PROFILE": "all"}, "FIREBREAK_PROFILE: Input should be 'declared'"),
        ("orders-1", {"FIREBREAK_REPLICA": "3"}, "has no orders/3; allowed: .*orders/1, orders/2"),
        ("orders-1", {"FIREBREAK_SIGNING_KEY": ""}, "FIREBREAK_SIGNING_KEY: not set, and a service in a container needs it"),
        ("orders-1", {"FIREBREAK_ADDRESSES": "http://orders"}, "FIREBREAK_ADDRESSES: no pattern of addresses; write"),
        ("migrate", {"DATABASE_URL_ORDERS": ""}, "DATABASE_URL_ORDERS: not set; write postgresql://"),
        ("migrate", {"DATABASE_SERVER": "postgresql://postgres:wrong@postgres:5432"}, "InvalidPassword.*make down volumes=1"),
        (
            "migrate",
            {"DATABASE_SERVER": "postgresql://postgres:wrong@elsewhere:5432"},
            "server at elsewhere:5432 cannot be prepared",
        ),
    ],
)
def test_what_a_container_is_told_wrong_ends_it_with_one_line(
    stack: Stack, service: str, changed: dict[str, str], said: str
) -> None:
    options = [option for name, value in changed.items() for option in ("--env", f"{name}={value}")]
    done = stack.compose("run", "--rm", "--no-deps", "-T", *options, service, check=False)
    own = [line for line in done.stderr.splitlines() if not line.lstrip().startswith(("Container", "Network"))]
    assert done.returncode == 2
    assert len(own) == 1
    assert re.search(said, own[0])


def test_prometheus_scrapes_every_replica(prometheus: str, stack: Stack) -> None:
    def up() -> set[str]:
        found = call(f"{prometheus}/api/v1/query?query=up")["data"]["result"]
        return {each["metric"].get("instance", "") for each in found if each["value"][1] == "1"}

    assert soon(lambda: len(up()) >= len(stack.replicas)), up()
