"""One bounded HTTP GET, for what experiments read of running services: metrics, traces and audits."""

import http.client
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

TIMEOUT_S = 3.0
MAX_BYTES = 32_000_000

Get = Callable[[str, Mapping[str, str]], bytes]
"""Body of the answer to a GET of a URL with headers. Raises FetchError."""


class FetchError(Exception):
    """No usable answer; the text names the URL and says why."""


def http_get(url: str, headers: Mapping[str, str] | None = None, timeout_s: float = TIMEOUT_S) -> bytes:
    """Body of a 200 answer. Raises FetchError for any other, for one above MAX_BYTES, and for none within `timeout_s`."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        connection.request("GET", f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}", headers=dict(headers or {}))
        response = connection.getresponse()
        body = response.read(MAX_BYTES + 1)
    except (OSError, http.client.HTTPException) as error:
        raise FetchError(f"GET {url}: {str(error) or type(error).__name__}") from None
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise FetchError(f"GET {url}: status {response.status}")
    if len(body) > MAX_BYTES:
        raise FetchError(f"GET {url}: the answer is larger than {MAX_BYTES} bytes")
    return body
