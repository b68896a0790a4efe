"""What does not succeed says so as a problem that names its trace, and nothing of what is inside."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import jwt
import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.feastfast.customer import Answer
    from tests.feastfast.system import FeastFast

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
ORDER = "00000000-0000-4000-8000-000000000000"
INSIDE = re.compile(r"Traceback|File \"|sqlite|\.py\b|127\.0\.0\.1|internal-token|signing-key|chaos-token|Exception\b")
KIB_64 = 64 * 1024


def assert_problem(answer: Answer, status: int, trace_id: str = TRACE) -> None:
    """It is an RFC 9457 problem of this trace, and gives nothing away."""
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json
    assert set(problem) == {"type", "title", "status", "detail", "trace_id"}
    assert (problem["type"], problem["status"], problem["trace_id"]) == ("about:blank", status, trace_id)
    assert problem["title"]
    assert problem["detail"]
    assert not INSIDE.search(answer.body.decode()), answer.body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/restaurants/201/menu", 404),
        ("GET", "/v1/restaurants/99999999999999999999/menu", 422),
        ("GET", "/v1/restaurants/soup/menu", 422),
        ("GET", "/v1/restaurants?limit=101", 422),
        ("GET", "/v1/restaurants?limit=0", 422),
        ("GET", "/v1/restaurants?cursor=-1", 422),
        ("DELETE", "/v1/orders", 405),
        ("PUT", "/v1/sessions", 405),
        ("GET", "/internal/orders/x", 404),
        ("GET", "/v1/restaurants/%2e%2e%2f/menu", 404),
        ("GET", "/v1/restaurants/7/menu%00", 404),
    ],
)
async def test_a_request_that_cannot_be_served_is_a_problem_of_its_trace(
    shared: FeastFast, method: str, path: str, status: int
) -> None:
    assert_problem(await shared.ask(method, path, headers=TRACEPARENT), status)


@pytest.mark.parametrize("path", ["/v1/nothing?next=/health", "/v1/nothing/metrics", "/v1/__chaos__/x", "/healthy"])
async def test_a_path_that_only_looks_like_an_untraced_one_is_traced(shared: FeastFast, path: str) -> None:
    assert_problem(await shared.ask("GET", path, headers=TRACEPARENT), 404)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b"\xff\xfe", 422),
        (b"\x80", 400),
        (b'{"restaurant_id": NaN, "items": []}', 422),
        (b'{"restaurant_id": 1e400, "items": []}', 422),
        (b'{"restaurant_id": ' + b"9" * 5_000 + b', "items": []}', 400),
        (b'{"restaurant_id": 7, "items": [{"dish_id": true, "quantity": 1.5}]}', 422),
        (b"[" * 60_000, 400),
        (b'{"a":' * 12_000, 400),
    ],
)
async def test_no_body_of_an_order_makes_an_unforeseen_error(shared: FeastFast, body: bytes, status: int) -> None:
    answer = await shared.customer().ask("POST", "/v1/orders", body, **TRACEPARENT)
    assert_problem(answer, status)


@pytest.mark.parametrize(
    "body",
    [
        b'{"email": "\\ud800@feastfast.example", "password": "x"}',
        b'{"email": "customer-0001@feastfast.example", "password": "\\ud800"}',
        b'{"email": "\\u0000\\u0000\\u0000", "password": "\\u0000"}',
        b'{"email": "' + b"e" * 201 + b'", "password": "x"}',
        b'{"email": {"$ne": ""}, "password": "x"}',
        b'{"email": "a\' OR 1=1 --", "password": "x"}',
    ],
)
async def test_no_credentials_make_an_unforeseen_error_or_sign_anybody_in(shared: FeastFast, body: bytes) -> None:
    answer = await shared.ask("POST", "/v1/sessions", body, headers=TRACEPARENT)
    assert answer.status in (401, 422)
    assert_problem(answer, answer.status)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense"])
async def test_a_body_that_is_not_said_to_be_json_is_refused(shared: FeastFast, content_type: str) -> None:
    answer = await shared.ask("POST", "/v1/sessions", b"{}", headers={**TRACEPARENT, "Content-Type": content_type})
    assert_problem(answer, 415)


async def test_a_body_over_the_bound_is_refused_by_its_stated_length(shared: FeastFast) -> None:
    assert_problem(await shared.ask("POST", "/v1/sessions", b" " * (KIB_64 + 1), headers=TRACEPARENT), 413)


async def test_a_body_that_says_to_be_over_the_bound_is_refused_before_any_of_it_has_come(shared: FeastFast) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", shared.replicas["gateway/1"].port)
    writer.write(b"POST /v1/sessions HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000000000\r\n\r\n")
    async with asyncio.timeout(5):
        assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.close()
    await writer.wait_closed()


async def test_a_body_over_the_bound_is_refused_though_it_comes_in_chunks(shared: FeastFast) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield b" " * 1_024

    assert_problem(await shared.ask("POST", "/v1/sessions", chunks(), headers=TRACEPARENT), 413)


async def test_a_body_of_just_the_bound_is_read(shared: FeastFast) -> None:
    start, end = b'{"email": "nobody@feastfast.example", "password": "x"', b"}"
    body = start + b" " * (KIB_64 - len(start) - len(end)) + end
    assert_problem(await shared.ask("POST", "/v1/sessions", body, headers=TRACEPARENT), 401)


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic Y3VzdG9tZXI6eA==", "Bearer nonsense", "Bearer a.b.c", "bearer  ", "Bearer \xe9"],
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/orders"), ("GET", f"/v1/orders/{ORDER}"), ("GET", f"/v1/orders/{ORDER}/tracking")]
)
async def test_without_a_good_token_nothing_of_a_customers_is_done(
    shared: FeastFast, method: str, path: str, authorization: str
) -> None:
    body = {"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 1}]}
    assert_problem(await shared.ask(method, path, body, headers={**TRACEPARENT, "Authorization": authorization}), 401)


Forge = Callable[[str | None, str, dict[str, object]], str]


@pytest.fixture
def forge(shared: FeastFast) -> Forge:
    """Makes tokens of customer 1; without a key of its own with the gateway's."""
    signing_key = shared.replicas["gateway/1"].settings.signing_key

    def token(key: str | None, algorithm: str, claims: dict[str, object]) -> str:
        good = {"sub": "1", "iss": "feastfast", "exp": time.time() + 60}
        named = {name: value for name, value in (good | claims).items() if value is not None}
        return jwt.encode(named, signing_key if key is None else key, algorithm)

    return token


@pytest.mark.parametrize(
    ("key", "algorithm", "claims"),
    [
        ("another-key-of-at-least-32-characters", "HS256", {}),
        ("", "none", {}),
        (None, "HS256", {"exp": 1}),
        (None, "HS256", {"iss": "somebody"}),
        (None, "HS256", {"sub": "customer"}),
        (None, "HS256", {"exp": None}),
    ],
)
async def test_a_token_that_was_not_issued_here_or_has_run_out_is_no_token(
    shared: FeastFast, forge: Forge, key: str | None, algorithm: str, claims: dict[str, object]
) -> None:
    token = forge(key, algorithm, claims)
    assert_problem(await shared.ask("GET", "/v1/notifications", headers={**TRACEPARENT, "Authorization": f"Bearer {token}"}), 401)


@pytest.mark.parametrize(
    ("service", "method", "path"),
    [
        ("users", "POST", "/internal/sign-in"),
        ("restaurants", "GET", "/internal/restaurants"),
        ("restaurants", "GET", "/internal/restaurants/7/menu"),
        ("restaurants", "PUT", f"/internal/reservations/{ORDER}"),
        ("orders", "POST", "/internal/orders"),
        ("orders", "GET", f"/internal/orders/{ORDER}?customer_id=1"),
        ("orders", "GET", "/internal/audit"),
        ("payments", "PUT", f"/internal/payments/{ORDER}/authorisation"),
        ("payments", "PUT", f"/internal/payments/{ORDER}/capture"),
        ("payments", "PUT", f"/internal/payments/{ORDER}/refund"),
        ("deliveries", "PUT", f"/internal/assignments/{ORDER}"),
        ("deliveries", "GET", f"/internal/assignments/{ORDER}"),
        ("deliveries", "DELETE", f"/internal/assignments/{ORDER}"),
        ("deliveries", "GET", "/internal/audit"),
        ("notifications", "GET", "/internal/notifications?customer_id=1"),
    ],
)
async def test_an_internal_route_refuses_who_has_not_the_internal_token(
    shared: FeastFast, service: str, method: str, path: str
) -> None:
    for token in ({}, {"X-Internal-Token": ""}, {"X-Internal-Token": "wrong"}, {"X-Internal-Token": "\xe9"}):
        assert_problem(await shared.ask(method, path, b"{}", service=service, headers=TRACEPARENT | token), 403)


async def test_a_deadline_that_has_passed_on_arrival_is_answered_without_working(shared: FeastFast) -> None:
    customer = shared.customer()
    answer = await customer.order(X_Deadline_Ms="0", **TRACEPARENT)
    assert_problem(answer, 504)
    assert customer.orders() == []


@pytest.mark.parametrize("value", ["", "soon", "-1", "nan", "inf", "1e99", "\xe9"])
async def test_a_deadline_that_is_no_duration_is_no_deadline(shared: FeastFast, value: str) -> None:
    assert (await shared.ask("GET", "/v1/restaurants?limit=1", headers={"X-Deadline-Ms": value})).status == 200


async def test_the_audits_page_through_all_rows_once_in_order(shared: FeastFast) -> None:
    customer = shared.customer()
    placed = {(await customer.order()).json["id"] for _ in range(5)}
    for service, key in (("orders", "id"), ("deliveries", "order_id")):
        seen: list[str] = []
        after: str | None = ""
        while after is not None:
            page = (await shared.internal(service, "GET", f"/internal/audit?after={after}&limit=2")).json
            assert 0 < len(page["rows"]) <= 2
            seen += [row[key] for row in page["rows"]]
            after = page["next"]
        assert seen == sorted(set(seen))
        assert placed <= set(seen)
        whole = (await shared.internal(service, "GET", f"/internal/audit?limit={len(seen)}")).json
        assert ([row[key] for row in whole["rows"]], whole["next"]) == (seen, None)


async def test_the_audits_tell_what_invariants_ask(shared: FeastFast) -> None:
    order = (await shared.customer().order()).json
    orders = (await shared.internal("orders", "GET", "/internal/audit")).json["rows"]
    created_at = order["created_at"]
    [row] = [row for row in orders if row["id"] == order["id"]]
    assert (row["status"], row["saga_state"], row["created_at"], row["deferred"]) == ("confirmed", "done", created_at, False)
    assert row["lines"] == [[701, 2], [703, 1]]
    deliveries = (await shared.internal("deliveries", "GET", "/internal/audit")).json["rows"]
    [row] = [row for row in deliveries if row["order_id"] == order["id"]]
    assert row["state"] == "assigned"
    assert 1 <= row["courier_id"] <= 50
