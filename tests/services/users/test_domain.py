"""One address has one spelling, and a name may be in any alphabet."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.users.domain import MAX_NAME, UnfitError, normal_email, normal_name

COMPOSED, APART = "jos\u00e9", "jose\u0301"


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("ada@example.org", "ada@example.org"),
        ("Ada.Lovelace+food@Example.ORG", "ada.lovelace+food@example.org"),
        ("  ada@example.org\n", "ada@example.org"),
        (f"{APART}@example.org", f"{COMPOSED}@example.org"),
        ("用户@例子.中国", "用户@例子.中国"),
        ("\u0909\u092a\u092f\u094b\u0917@\u0909\u0926\u093e.\u092d\u093e\u0930\u0924", "उपयोग@उदा.भारत"),
        ("o'brien_1%x@a-b.co", "o'brien_1%x@a-b.co"),
    ],
)
def test_an_address_is_kept_in_one_spelling(text: str, email: str) -> None:
    assert normal_email(text) == email


@pytest.mark.parametrize(
    "text",
    [
        *("", "ada", "@example.org", "ada@", "ada@example", "ada@example.", "ada@.org", "ada@example..org", "a@b@example.org"),
        *("ada lovelace@example.org", ".ada@example.org", "ada.@example.org", "a..b@example.org", '"ada"@example.org'),
        *("ada@[127.0.0.1]", "ada@example.org\x00", "ada\x00@example.org", "a\u2028b@example.org", "\ud800@example.org"),
        *("a" * 65 + "@example.org", "ada@" + "e" * 64 + ".org", "ada@" + "example." * 30 + "org", "ada@exam/ple.org"),
        "<script>@example.org",
    ],
)
def test_what_nobody_gets_mail_at_is_no_address(text: str) -> None:
    with pytest.raises(UnfitError, match=r"^email: must be an address such as ada@example\.org"):
        normal_email(text)


@given(st.text(min_size=1, max_size=20), st.from_regex(r"\A[a-zA-Z]{1,9}\.[a-z]{2,3}\Z"))
def test_a_kept_address_is_its_own_normal_spelling(local: str, domain: str) -> None:
    try:
        email = normal_email(f"{local}@{domain}")
    except UnfitError:
        return
    assert normal_email(email) == normal_email(unicodedata.normalize("NFD", email)) == email
    email.encode()


@pytest.mark.parametrize("text", ["Ada", "O'Brien", "Ольга", "山田 太郎", "نورة", "👩‍👩‍👧 & 🐍", "a" * MAX_NAME, "\U0001fae8"])
def test_a_name_in_any_alphabet_or_none_is_kept_as_it_is(text: str) -> None:
    assert normal_name(text) == text


def test_a_name_is_kept_composed_and_without_space_around() -> None:
    assert normal_name(f" {APART}\n") == COMPOSED


@pytest.mark.parametrize("text", ["", "   ", "a" * (MAX_NAME + 1), "a\x00b", "a\nb", "a\u2028b", "\x1b[31m", "\ud83d", "a\x85b"])
def test_what_would_break_a_line_or_a_store_is_no_name(text: str) -> None:
    with pytest.raises(UnfitError, match=r"^name: must have 1 to 100 characters, none of them a control character$"):
        normal_name(text)
