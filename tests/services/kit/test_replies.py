"""An answer of another service as a value, or as the error that it stands for."""

import pytest
from pydantic import BaseModel

from services.kit.errors import ConflictError, NotFoundError, RefusedError, ServiceError, UnauthenticatedError
from services.kit.message import Reply
from services.kit.replies import BadReplyError, GaveUpError, check, parse_as


class Account(BaseModel):
    cents: int


def test_success_is_parsed() -> None:
    assert parse_as(Account)(Reply(200, b'{"cents": 17}')) == Account(cents=17)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, UnauthenticatedError),
        (404, NotFoundError),
        (409, ConflictError),
        (422, RefusedError),
        (424, GaveUpError),
    ],
)
def test_a_refusal_is_the_error_that_the_callee_meant_in_its_words(status: int, error: type[ServiceError]) -> None:
    reply = Reply(status, b'{"detail": "not enough money"}')
    for read in (check, parse_as(Account)):
        with pytest.raises(error, match=r"^not enough money$"):
            read(reply)


@pytest.mark.parametrize("status", [301, 304, 307, 400, 418, 500])
def test_a_refusal_that_no_contract_has_is_a_bad_reply(status: int) -> None:
    with pytest.raises(BadReplyError, match=f"an unexpected answer: {status} odd") as caught:
        check(Reply(status, b'{"detail": "odd"}'))
    assert caught.value.status == 502


def test_a_service_that_does_not_take_our_token_is_a_bad_reply_and_no_matter_of_who_asked() -> None:
    with pytest.raises(BadReplyError, match=r"^two services of this system do not know each other$") as caught:
        check(Reply(403, b'{"detail": "X-Internal-Token is missing or wrong"}'))
    assert caught.value.status == 502


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"cents": "many"}'])
def test_success_that_says_nothing_sensible_is_a_bad_reply(body: bytes) -> None:
    with pytest.raises(BadReplyError, match="an answer is no Account"):
        parse_as(Account)(Reply(200, body))


@pytest.mark.parametrize("status", [200, 201, 204])
def test_success_passes_the_check(status: int) -> None:
    check(Reply(status, b""))
