"""One attempt over the wire: chaos innermost, then aiohttp, and every way it can fail as one of our errors."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

import aiohttp

from chaos.faults.errors import InjectedAbort, InjectedError
from chaos.inject.client import inject_client
from chaos.inject.leases import LeaseTable
from services.kit.errors import AttemptTimeoutError, RemoteError, UnreachableError
from services.kit.message import DEGRADED_HEADER, IDEMPOTENCY_HEADER, Outgoing, Reply, problem_detail
from services.policy import Timeout
from services.registry import Instance

MAX_REPLY_BYTES = 1_000_000
_SERVER_ERROR = 500


class Transport(Protocol):
    """Sends one attempt."""

    async def send(
        self, edge: str, instance: Instance, outgoing: Outgoing, headers: Mapping[str, str], limits: Timeout | None
    ) -> Reply:
        """Returns an answer below 500. Raises UnreachableError, AttemptTimeoutError or RemoteError."""
        ...


class HttpTransport:
    """HTTP over one aiohttp session a process, shared by all edges."""

    def __init__(self, session: aiohttp.ClientSession, leases: LeaseTable) -> None:
        self._session = session
        self._leases = leases

    async def send(  # noqa: D102 - the protocol's.
        self, edge: str, instance: Instance, outgoing: Outgoing, headers: Mapping[str, str], limits: Timeout | None
    ) -> Reply:
        limit_s = limits.attempt_ms / 1_000 if limits else None
        bound = asyncio.timeout(limit_s)
        try:
            async with bound:
                await inject_client(self._leases, edge)
                return await self._exchange(edge, instance, outgoing, headers, limits)
        except InjectedError as error:
            if error.status < _SERVER_ERROR:
                return Reply(error.status, b"")
            raise RemoteError(edge, error.status, "injected") from None
        except InjectedAbort:
            raise UnreachableError(edge, "connection reset") from None
        except TimeoutError:
            raise AttemptTimeoutError(edge, f"no answer from {instance.name} in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise UnreachableError(edge, f"{instance.name}: {type(error).__name__}") from error

    async def _exchange(
        self, edge: str, instance: Instance, outgoing: Outgoing, headers: Mapping[str, str], limits: Timeout | None
    ) -> Reply:
        # Without a policy the library's own defaults stand: 300 s in all, and 30 s to connect.
        timeout = aiohttp.ClientTimeout(sock_connect=limits.connect_ms / 1_000) if limits else self._session.timeout
        sent = {**headers, **outgoing.headers}
        if outgoing.idempotency_key:
            sent[IDEMPOTENCY_HEADER] = outgoing.idempotency_key
        if outgoing.body is not None:
            sent["Content-Type"] = "application/json"
        async with self._session.request(
            outgoing.method, instance.base_url + outgoing.path, data=outgoing.body, headers=sent, timeout=timeout
        ) as response:
            body = b""
            while not response.content.at_eof():
                body += await response.content.read(MAX_REPLY_BYTES + 1 - len(body))
                if max(len(body), response.content_length or 0) > MAX_REPLY_BYTES:
                    raise RemoteError(edge, response.status, "the answer is too large")
            if response.status >= _SERVER_ERROR:
                raise RemoteError(edge, response.status, problem_detail(body))
            return Reply(response.status, body, response.headers.get(DEGRADED_HEADER))
