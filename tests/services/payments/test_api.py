"""Payments over HTTP: what it answers to what is right, and to what is not."""

import asyncio
from typing import Any

import pytest

from services.kit.errors import OverloadedError
from services.payments.domain import MAX_AMOUNT_CENTS
from services.payments.processor import Processor
from services.payments.store import PaymentStore
from tests.services.payments.till import ListeningAcquirer, Till, new_order, problem

STEPS = ("capture", "void", "refund")


async def all_pages(till: Till, path: str, limit: int) -> list[Any]:
    rows: list[Any] = []
    after: str | None = ""
    while after is not None:
        page = (await till.get(f"{path}?limit={limit}" + (f"&after={after}" if after else ""))).json
        assert len(page["rows"]) <= limit
        rows += page["rows"]
        after = page["next"]
    return rows


async def test_a_payment_is_authorised_captured_and_refunded(till: Till) -> None:
    answers = [await till.authorise(), await till.put("capture"), await till.put("refund")]
    assert [answer.status for answer in answers] == [200, 200, 200]
    states = ("authorised", "captured", "refunded")
    assert [answer.json for answer in answers] == [
        {"order_id": till.order_id, "amount_cents": 1_500, "state": state} for state in states
    ]


async def test_a_payment_is_authorised_and_voided(till: Till) -> None:
    await till.authorise()
    assert (await till.put("void")).json["state"] == "voided"


@pytest.mark.parametrize("undo", ["void", "refund"])
async def test_undoing_what_never_was_is_answered_and_keeps_it_from_happening(till: Till, undo: str) -> None:
    undone = await till.put(undo)
    assert (undone.status, undone.json) == (200, {"order_id": till.order_id, "amount_cents": 0, "state": "voided"})
    late = await till.authorise()
    assert (late.status, problem(late)) == (
        409,
        f"order {till.order_id}: the payment is voided, so authorise is refused; allowed: void, refund",
    )


async def test_requests_that_are_repeated_at_once_are_answered_the_same(till: Till) -> None:
    for what in ("authorisation", *STEPS[::2]):
        asked = [till.authorise() if what == "authorisation" else till.put(what) for _ in range(4)]
        answers = await asyncio.gather(*asked)
        assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}


@pytest.mark.parametrize(
    ("before", "what"),
    [((), "capture"), (("void",), "capture"), (("authorisation", "capture"), "void"), (("authorisation", "void"), "capture")],
)
async def test_what_contradicts_the_payment_is_a_conflict(till: Till, before: tuple[str, ...], what: str) -> None:
    for each in before:
        assert (await (till.authorise() if each == "authorisation" else till.put(each))).status == 200
    refused = await till.put(what)
    assert refused.status == 409
    assert f"so {what} is refused; allowed: " in problem(refused)


async def test_another_amount_for_the_same_order_is_a_conflict(till: Till) -> None:
    await till.authorise(1_500)
    other = await till.authorise(1_501)
    assert (other.status, "1500 cents by customer 7, not of 1501 cents" in problem(other)) == (409, True)


async def test_what_the_acquirer_declines_is_refused_each_time_and_kept_nowhere(till: Till) -> None:
    for _ in range(2):
        declined = await till.authorise(MAX_AMOUNT_CENTS)
        assert (declined.status, "the card is good for 200000 cents" in problem(declined)) == (422, True)
    assert (await till.get("audit")).json == {"rows": [], "next": None}


async def test_too_much_at_once_is_answered_with_when_to_come_again(
    till: Till, store: PaymentStore, acquirer: ListeningAcquirer
) -> None:
    till.app.state.service = Processor(store, acquirer)
    acquirer.failure = OverloadedError("1000 calls wait for the acquirer", retry_after_s=14)
    refused = await till.authorise()
    assert (refused.status, refused.headers["retry-after"]) == (503, "14")
    assert problem(refused) == "1000 calls wait for the acquirer"


NO_AMOUNTS = [0, -1, MAX_AMOUNT_CENTS + 1, 10**30, 15.0, 15.5, 1e300, "1500", True, None, [], {}]


@pytest.mark.parametrize("amount_cents", NO_AMOUNTS, ids=repr)
async def test_an_amount_that_is_none_is_refused_and_named(till: Till, amount_cents: object) -> None:
    refused = await till.authorise(amount_cents)
    assert (refused.status, problem(refused).partition(":")[0]) == (422, "body.amount_cents")


@pytest.mark.parametrize("customer_id", [0, -1, 2**31, 10**30, 7.0, "7", True, None], ids=repr)
async def test_a_customer_who_is_none_is_refused_and_named(till: Till, customer_id: object) -> None:
    refused = await till.authorise(customer_id=customer_id)
    assert (refused.status, problem(refused).partition(":")[0]) == (422, "body.customer_id")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b'{"\xff"}', 400),
        (b"[]", 422),
        (b"null", 422),
        (b'{"customer_id": 7, "amount_cents": NaN}', 422),
        (b'{"customer_id": 7, "amount_cents": Infinity}', 422),
        (b'{"customer_id": 7, "amount_cents": 1, "amount_cents": 2}', 422),
        (b'{"customer_id": 7, "amount_cents": 1' + 5_000 * b"0" + b"}", 400),
        (b'{"customer_id": 7, "amount_cents": 1, "note": "' + 70_000 * b"x" + b'"}', 413),
        (b"[" * 60_000, 400),
    ],
    ids=["none", "cut off", "no text", "list", "null", "NaN", "Infinity", "twice", "5,001 digits", "too large", "too deep"],
)
async def test_a_body_that_is_none_is_refused(till: Till, body: bytes, status: int) -> None:
    refused = await till.put("authorisation", body)
    assert refused.status == status
    assert problem(refused)
    assert (await till.get("audit")).json["rows"] == []


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_body_of_another_type_is_refused(till: Till, content_type: str) -> None:
    refused = await till.put("authorisation", {"customer_id": 7, "amount_cents": 1}, headers={"Content-Type": content_type})
    assert (refused.status, bool(problem(refused))) == (415, True)


@pytest.mark.parametrize("order_id", ["1", "x" * 36, "A" * 36, "0" * 35 + "\n", "0" * 35 + "\0", "\u0663" * 36, "0" * 37])
@pytest.mark.parametrize("what", ["authorisation", *STEPS])
async def test_an_order_id_that_is_none_is_refused(till: Till, order_id: str, what: str) -> None:
    body = {"customer_id": 7, "amount_cents": 1} if what == "authorisation" else None
    refused = await till.put(what, body, order_id)
    assert (refused.status, problem(refused).partition(":")[0]) == (422, "path.order_id")


@pytest.mark.parametrize("path", ["audit", "audit/ledger", "audit/balances"])
@pytest.mark.parametrize("token", ["", "wrong", "\xff"])
async def test_strangers_are_told_nothing(till: Till, path: str, token: str) -> None:
    refused = await till.get(path, headers={"X-Internal-Token": token})
    assert (refused.status, bool(problem(refused))) == (403, True)


async def test_the_audit_lets_an_outsider_compute_every_balance(till: Till) -> None:
    order_ids = [new_order() for _ in range(5)]
    for order_id, ends in zip(order_ids, [(), ("capture",), ("capture", "refund"), ("void",), ("refund",)], strict=True):
        await till.authorise(1_500, order_id=order_id)
        for what in ends:
            await till.put(what, order_id=order_id)
    await till.put("void")
    payments = {row.pop("order_id"): row for row in await all_pages(till, "audit", 2)}
    assert list(payments) == sorted([*order_ids, till.order_id])
    authorised = {"customer_id": 7, "amount_cents": 1_500, "captures": 0, "refunds": 0}
    captured = authorised | {"captures": 1}
    assert [payments[order_id] for order_id in order_ids] == [
        authorised | {"state": "authorised"},
        captured | {"state": "captured"},
        captured | {"state": "refunded", "refunds": 1},
        authorised | {"state": "voided"},
        authorised | {"state": "voided"},
    ]
    assert payments[till.order_id] == authorised | {"customer_id": 0, "amount_cents": 0, "state": "voided"}
    ledger = await all_pages(till, "audit/ledger", 2)
    sums: dict[str, int] = {}
    for transaction in ledger:
        assert sum(entry["amount_cents"] for entry in transaction["entries"]) == 0
        for entry in transaction["entries"]:
            sums[entry["account"]] = sums.get(entry["account"], 0) + entry["amount_cents"]
    balances = {row["account"]: row["balance_cents"] for row in await all_pages(till, "audit/balances", 2)}
    assert balances == sums == {"customer:7": -3_000, "holds": 1_500, "merchant": 1_500}
    assert [row["kind"] for row in ledger if row["order_id"] == order_ids[2]] == ["authorise", "capture", "refund"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "after=" + "x" * 201, "after=%00", "after=%ff", "after=1'%20OR%201=1"]
)
@pytest.mark.parametrize("path", ["audit", "audit/ledger", "audit/balances"])
async def test_a_page_that_is_none_is_refused_or_empty_and_never_a_failure(till: Till, path: str, query: str) -> None:
    answer = await till.get(f"{path}?{query}")
    assert answer.status in (200, 422)
    assert answer.status == 200 or problem(answer).startswith("query.")
