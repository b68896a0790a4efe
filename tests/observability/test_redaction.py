import re
import time

import pytest

from observability.redaction import MIN_SECRET_CHARS, REDACTED, Redactor


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cannot reach postgresql://shop:pa:ss@db:5432/shop", f"cannot reach postgresql://shop:{REDACTED}@db:5432/shop"),
        ("nats://a:b@[::1]:4222 is gone", f"nats://a:{REDACTED}@[::1]:4222 is gone"),
        ("Authorization: Bearer abcdefgh12", f"Authorization: {REDACTED} {REDACTED}"),
        ("with bearer abcdefgh12", f"with bearer {REDACTED}"),
        ("it says eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln now", f"it says {REDACTED} now"),
        ("hash $argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA", f"hash {REDACTED}"),
        ('{"password": "hunter 2", "name": "Ada"}', f'{{"password": {REDACTED}, "name": "Ada"}}'),
        ("internal_token='a b', next=1", f"internal_token={REDACTED}, next=1"),
        ("X-Api-Key: 0123", f"X-Api-Key: {REDACTED}"),
    ],
)
def test_what_has_the_shape_of_a_secret_is_hidden_and_the_rest_stays(text: str, shown: str) -> None:
    assert Redactor().text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "order 7 is undone: breaker of orders->payments is open; its token bucket is empty",
        "GET http://127.0.0.1:8080/v1/orders?after=@7 answered 503",
        "the budget costs $5 a key",
        "policy: breaker off for 30 s (somebody)",
    ],
)
def test_what_only_speaks_of_secrets_stays_as_it_is(text: str) -> None:
    assert Redactor().text(text) == text


def test_a_value_that_is_known_to_be_secret_is_hidden_wherever_it_stands() -> None:
    assert Redactor(["s3cr3t-value", "s3cr3t-value-2"]).text("x-s3cr3t-value-2/s3cr3t-value") == f"x-{REDACTED}/{REDACTED}"


def test_a_short_value_is_not_taken_for_a_secret_as_it_may_be_a_word() -> None:
    assert len("orders") < MIN_SECRET_CHARS
    assert Redactor(["orders", ""]).text("orders is slow") == "orders is slow"


def test_a_value_under_a_secrets_name_is_hidden_and_other_values_keep_their_types() -> None:
    redactor = Redactor()
    assert redactor.value("chaos_token", 7) == REDACTED
    assert redactor.value("attempt", 2) == 2
    assert redactor.value("route", {"to": ["nats://a:bb@c:1"], "password": "x"}) == {
        "to": [f"nats://a:{REDACTED}@c:1"],
        "password": REDACTED,
    }
    assert redactor.value("where", frozenset({1})) == "frozenset({1})"


@pytest.mark.parametrize("unit", ["a:", "password", "a.-_", "eyJ", "token= ", "://a:", "$argon2", "' \"=:"])
def test_no_text_can_make_the_search_take_long(unit: str) -> None:
    text = "token://" + unit * (4_000 // len(unit))
    before_s = time.process_time()
    Redactor(["known-to-be-secret"]).text(text)
    assert time.process_time() - before_s < 2, "quadratic or worse; a few milliseconds are usual"
    assert re.search("token", text)
