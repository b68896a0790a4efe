"""Asks a process over HTTP whether it is ready; a few lines instead of a client library's megabytes in the supervisor."""

import asyncio

READY_PATH = "/health/ready"
ATTEMPT_TIMEOUT_S = 2.0


async def is_ready(host: str, port: int, path: str = READY_PATH) -> bool:
    """Whether a GET of `path` is answered with 200 within ATTEMPT_TIMEOUT_S."""
    try:
        async with asyncio.timeout(ATTEMPT_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
                status_line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):  # ValueError: a line beyond the reader's limit, so no HTTP server
        return False
    return status_line.split(b" ")[1:2] == [b"200"]
