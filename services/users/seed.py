"""The customers of a fresh system: always the same thousand, who share one password and its stored hash."""

from collections.abc import Iterator

CUSTOMERS = 1_000
PASSWORD = "correct-horse-battery"  # noqa: S105 - of made-up customers, named in the documentation.
PASSWORD_HASH = "$argon2id$v=19$m=7168,t=5,p=1$ZmVhc3RmYXN0LXNoYXJlZA$qiYbiz9Bb8pfLYONBq6/hhqfPkqXSa8v59cHomb2Hl0"  # noqa: S105 - as above.
"""Of PASSWORD; computed once, for a thousand hashes at start would take a minute."""


def customers() -> Iterator[tuple[int, str, str]]:
    """(id, email, name) of each customer."""
    for number in range(1, CUSTOMERS + 1):
        yield number, f"customer-{number:04}@feastfast.example", f"Customer {number}"
