"""Where a NATS broker is."""

from urllib.parse import urlsplit

_SCHEMES = ("nats", "tls")
_HOW = "write nats://HOST:PORT or nats://USER:PASSWORD@HOST:PORT (tls:// for an encrypted connection)"


def check_nats_url(url: str) -> str:
    """`url` itself, when a broker can be there; empty means none.

    Raises:
        ValueError: It is no such URL; the text says how to write one, and not the password.
    """
    if not url:
        return url
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _SCHEMES and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        usable = (
            usable and parts.path in ("", "/") and not parts.query and not parts.fragment and url.isprintable() and " " not in url
        )
    except ValueError:  # Its text repeats parts of the URL.
        usable = False
    if not usable:
        raise ValueError(f"no URL of a NATS server; {_HOW}")
    return url
