"""Where a system's spans and logs go when somebody has a place of their own for them."""

from urllib.parse import urlsplit

_SIGNALS = ("/v1/traces", "/v1/logs")


def check_collector(text: str) -> str:
    """The base URL of a collector that takes OTLP over HTTP; empty for none. Raises ValueError with what is allowed."""
    if not text:
        return ""
    parts = urlsplit(text)
    if parts.username or parts.password:
        raise ValueError("--otlp: a password in a URL is shown to everybody; put it into OTEL_EXPORTER_OTLP_HEADERS")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"--otlp {text}: is no collector's base URL; write one such as http://127.0.0.1:4318")
    url = text.rstrip("/")
    if url.endswith(_SIGNALS):
        raise ValueError(f"--otlp {text}: leave {'/'.join(url.split('/')[-2:])} out; each signal adds its own path")
    return url
