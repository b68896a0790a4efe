"""The last line of defence against secrets in logs: what must not be told is replaced before a line is written or sent.

A secret should not reach a log in the first place. Whoever logs is asked not to; this is for texts of others, such as an
exception that quotes the address it could not reach.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

REDACTED: Final = "[redacted]"
MIN_SECRET_CHARS: Final = 8
"""A shorter value would be found in innocent words; nobody generates such a secret."""

MAX_SEARCHED_CHARS: Final = 16_384
"""Of one text: a search of a million may take seconds, in which a service answers nobody. Four times as much as is kept, so that
a secret which this cuts in two lies beyond what is kept."""

_NAMED: Final = r"(?:password|passwd|pwd|secret|token|api[_-]?key|signing[_-]?key|credentials?|authorization|cookie)"
_SHAPES: Final = (
    # A password in a URL: everything between the user's colon and the last @ before the host.
    (re.compile(r"([a-z][a-z0-9+.-]{0,30}://[^\s:/@]{0,200}:)[^\s/]{1,500}@(?=[\w\[])", re.IGNORECASE), rf"\1{REDACTED}@"),
    # A JSON web token, wherever it stands.
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), REDACTED),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {REDACTED}"),
    # A password hash in PHC form.
    (re.compile(r"\$(?:argon2\w{0,2}|scrypt|2[aby])\$[\w$,=+/.-]{8,}"), REDACTED),
    # name=value, "name": "value", 'name': 'value'; a quoted value up to its quote.
    (
        re.compile(
            rf"""(?i)(\b[\w.-]{{0,40}}{_NAMED}[\w-]{{0,20}}["']?\s{{0,3}}[:=]\s{{0,3}})(?!\[redacted)(?:"[^"]*"|'[^']*'|[^\s,;&}}\])]+)"""
        ),
        rf"\1{REDACTED}",
    ),
)
_HINTS: Final = (
    "://",
    "eyj",
    "bearer",
    "basic",
    "$",
    "passw",
    "pwd",
    "secret",
    "token",
    "key",
    "credential",
    "authorization",
    "cookie",
)
"""In lower case. Most texts have none, and a search for each costs a fortieth of one for the shapes."""


class Redactor:
    """Replaces secrets in texts: values that are known to be secret, and what has the shape of one.

    Args:
        secrets: Values of this process; those shorter than MIN_SECRET_CHARS are left alone.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known = sorted({each for each in secrets if len(each) >= MIN_SECRET_CHARS}, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._known:
            if secret in text:
                text = text.replace(secret, REDACTED)
        lowered = text.lower()
        if any(hint in lowered for hint in _HINTS):
            for shape, replacement in _SHAPES:
                text = shape.sub(replacement, text)
        return text

    def head(self, text: str, max_chars: int) -> str:
        """The beginning of a text of any length, without secrets."""
        return self.text(text[:MAX_SEARCHED_CHARS])[:max_chars]

    def tail(self, text: str, max_chars: int) -> str:
        """The end of a text of any length, without secrets."""
        return self.text(text[-MAX_SEARCHED_CHARS:])[-max_chars:]

    def value(self, name: str, value: object) -> object:
        """A value that stands under a name of its own: hidden when the name is that of a secret.

        Texts within are searched, and cut at MAX_SEARCHED_CHARS.
        """
        if re.search(_NAMED, name, re.IGNORECASE) and value not in ("", None):
            return REDACTED
        if isinstance(value, str):
            return self.text(value[:MAX_SEARCHED_CHARS])
        if isinstance(value, Mapping):
            return {str(key): self.value(str(key), inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.value("", inner) for inner in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(str(value)[:MAX_SEARCHED_CHARS])
