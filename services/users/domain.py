"""What an address and a name may be."""

import re
import unicodedata

MAX_EMAIL, MAX_NAME = 200, 100
_LABEL = r"""[^\s@"(),:;<>\[\\\]./?#%&=]{1,63}"""
_ADDRESS = re.compile(rf"""[^\s@"(),:;<>\[\\\]]{{1,64}}@(?:{_LABEL}\.)+{_LABEL}""")
"""Letters of any alphabet. No quoted local parts and no machines by number: nobody signs up with one, and forgers do."""
_UNWANTED = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Control characters (NUL is none that PostgreSQL stores), halves of characters, and ends of lines. Emoji are held together by
characters of Cf, and newer ones than this Python knows are Cn."""


class UnfitError(Exception):
    """Cannot be somebody's address or name; the text says why."""


def normal_email(text: str) -> str:
    """The one spelling under which an address is kept: composed characters, small letters. Raises UnfitError."""
    email = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text.strip()).lower())
    local, _, _ = email.partition("@")
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    if len(email) > MAX_EMAIL or dots or _has_unwanted(email) or not _ADDRESS.fullmatch(email):
        raise UnfitError(f"email: must be an address such as ada@example.org, of at most {MAX_EMAIL} characters")
    return email


def normal_name(text: str) -> str:
    """A name as it is kept: composed characters, no space around it. Raises UnfitError."""
    name = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= MAX_NAME or _has_unwanted(name):
        raise UnfitError(f"name: must have 1 to {MAX_NAME} characters, none of them a control character")
    return name


def _has_unwanted(text: str) -> bool:
    return any(unicodedata.category(character) in _UNWANTED for character in text)
