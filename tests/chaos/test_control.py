"""The control endpoint: who may use it, what it says, and what it refuses."""

import json
from dataclasses import dataclass

import pytest

from chaos.faults import Error
from chaos.inject.asgi import Message, Receive, Scope, Send
from chaos.inject.leases import MAX_LEASES, LeaseTable
from chaos.inject.messages import LeaseList, LeaseRequest
from chaos.inject.middleware import ChaosMiddleware

PATH = "/__chaos__/leases"
ERROR = {"fault": {"kind": "error"}, "lease_ms": 30_000}


async def behind(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("the application is not asked")


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: bytes
    body: bytes

    @property
    def detail(self) -> str:
        return str(json.loads(self.body)["detail"])


class Endpoint:
    """The endpoint as a client sees it."""

    def __init__(self, token: str | None) -> None:
        self.table = LeaseTable(edges=("orders->payments",))
        self._app = ChaosMiddleware(behind, self.table, token)

    async def ask(
        self, method: str, path: str = PATH, body: object = None, token: bytes | None = b"secret", raw: bytes | None = None
    ) -> Answer:
        content = raw if raw is not None else json.dumps(body).encode()
        half = len(content) // 2
        inbox: list[Message] = [
            {"type": "http.request", "body": content[:half], "more_body": True},
            {"type": "http.request", "body": content[half:], "more_body": False},
        ]
        sent: list[Message] = []

        async def receive() -> Message:
            return inbox.pop(0)

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [] if token is None else [(b"x-chaos-token", token)]
        await self._app({"type": "http", "method": method, "path": path, "headers": headers}, receive, send)
        return Answer(sent[0]["status"], dict(sent[0]["headers"])[b"content-type"], sent[1]["body"])


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint("secret")


async def test_a_lease_is_granted_listed_and_healed(endpoint: Endpoint) -> None:
    asked = {"id": "a", "fault": {"kind": "latency", "latency_ms": 300}, "edge": "orders->payments", "rate": 0.5}
    granted = await endpoint.ask("POST", body={**asked, "lease_ms": 30_000, "source": "me"})
    assert granted.status == 201
    assert json.loads(granted.body) == {
        "id": "a",
        "fault": {"kind": "latency", "latency_ms": 300, "jitter_ms": 0},
        "edge": "orders->payments",
        "rate": 0.5,
        "remaining_ms": 30_000,
        "seen": 0,
        "injected": 0,
        "source": "me",
    }
    listed = LeaseList.model_validate_json((await endpoint.ask("GET")).body)
    assert [lease.id for lease in listed.leases] == ["a"]
    assert json.loads((await endpoint.ask("DELETE")).body) == {"healed": 1}
    after = LeaseList.model_validate_json((await endpoint.ask("GET")).body)
    assert ([lease.id for lease in after.leases], [lease.id for lease in after.ended]) == ([], ["a"])


async def test_one_lease_is_healed_by_its_id(endpoint: Endpoint) -> None:
    for lease_id in ("a", "b"):
        await endpoint.ask("POST", body={**ERROR, "id": lease_id})
    assert json.loads((await endpoint.ask("DELETE", f"{PATH}/a")).body) == {"healed": 1}
    assert json.loads((await endpoint.ask("DELETE", f"{PATH}/a")).body) == {"healed": 0}
    assert [lease.id for lease in endpoint.table.snapshot().leases] == ["b"]


async def test_the_same_id_renews(endpoint: Endpoint) -> None:
    for lease_ms in (1_000, 50_000):
        assert (await endpoint.ask("POST", body={**ERROR, "id": "a", "lease_ms": lease_ms})).status == 201
    (lease,) = endpoint.table.snapshot().leases
    assert lease.remaining_ms > 40_000


@pytest.mark.parametrize("token", [None, b"", b"wrong", b"secret2", b"secre", "sécret".encode()])
async def test_a_wrong_token_is_answered_as_if_nothing_were_there(endpoint: Endpoint, token: bytes | None) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = await endpoint.ask(method, body=ERROR, token=token)
        assert (answer.status, answer.body) == (404, b"Not Found")
    assert endpoint.table.idle


@pytest.mark.parametrize("configured", [None, ""])
async def test_without_a_configured_token_there_is_no_endpoint(configured: str | None) -> None:
    for given in (None, b""):
        assert (await Endpoint(configured).ask("GET", token=given)).status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", PATH), ("HEAD", PATH), ("POST", f"{PATH}/a"), ("GET", f"{PATH}/a"), ("DELETE", f"{PATH}/")],
)
async def test_anything_else_below_the_path_is_not_found(endpoint: Endpoint, method: str, path: str) -> None:
    endpoint.table.grant(LeaseRequest(id="a", fault=Error(), lease_ms=1_000))
    assert (await endpoint.ask(method, path, body=ERROR)).status == 404
    assert len(endpoint.table.snapshot().leases) == 1


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"lease_ms": 1_000}, "fault"),
        ({"fault": {"kind": "gremlin"}, "lease_ms": 1_000}, "'latency', 'error', 'abort', 'hang'"),
        ({"fault": {"kind": "latency", "latency_ms": -5}, "lease_ms": 1_000}, "fault.latency.latency_ms"),
        ({"fault": {"kind": "error"}}, "lease_ms"),
        ({**ERROR, "lease_ms": 0}, "lease_ms"),
        ({**ERROR, "lease_ms": 3_600_001}, "lease_ms"),
        ({**ERROR, "rate": 0}, "rate"),
        ({**ERROR, "rate": 1.01}, "rate"),
        ({**ERROR, "edge": "orders"}, "edge"),
        ({**ERROR, "edge": "users->payments"}, "allowed: orders->payments"),
        ({**ERROR, "id": "a/b"}, "id"),
        ({**ERROR, "source": "x" * 201}, "source"),
        ({**ERROR, "mood": "bad"}, "mood"),
        (None, "body"),
    ],
)
async def test_bad_input_is_refused_with_its_key_and_changes_nothing(endpoint: Endpoint, body: object, named: str) -> None:
    answer = await endpoint.ask("POST", body=body)
    assert (answer.status, answer.content_type) == (422, b"application/problem+json")
    assert named in answer.detail
    assert endpoint.table.idle


async def test_what_is_not_json_is_refused(endpoint: Endpoint) -> None:
    assert (await endpoint.ask("POST", raw=b"\xff{")).status == 422


async def test_a_body_over_64_kib_is_refused(endpoint: Endpoint) -> None:
    answer = await endpoint.ask("POST", raw=b" " * 65_537)
    assert (answer.status, answer.detail) == (413, "body is larger than 65536 bytes")


async def test_a_full_table_is_a_conflict(endpoint: Endpoint) -> None:
    for _ in range(MAX_LEASES):
        assert (await endpoint.ask("POST", body=ERROR)).status == 201
    answer = await endpoint.ask("POST", body=ERROR)
    assert (answer.status, answer.detail) == (409, "64 leases are in force already; heal one first")


async def test_a_renewal_of_an_ended_lease_is_a_conflict(endpoint: Endpoint) -> None:
    await endpoint.ask("POST", body={**ERROR, "id": "a"})
    await endpoint.ask("DELETE")
    assert (await endpoint.ask("POST", body={**ERROR, "id": "a"})).status == 409
