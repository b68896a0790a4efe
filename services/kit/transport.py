"""One attempt over the wire: chaos innermost, around aiohttp, and every way it can fail as one of our errors."""

from collections.abc import Mapping
from typing import Protocol

import aiohttp

from chaos.faults.errors import InjectedAbort, InjectedError
from chaos.inject.client import inject_client, inject_client_answer
from chaos.inject.leases import LeaseTable
from services.kit.errors import AttemptTimeoutError, CallError, RemoteError, ShedError, UnreachableError
from services.kit.message import DEGRADED_HEADER, IDEMPOTENCY_HEADER, Outgoing, Reply
from services.policy import Timeout
from services.registry import Instance

MAX_REPLY_BYTES = 1_000_000
_SHED, _SERVER_ERROR = 429, 500
_MAX_RETRY_AFTER_S = 3_600


class Transport(Protocol):
    """Sends one attempt."""

    async def send(
        self, edge: str, instance: Instance, outgoing: Outgoing, headers: Mapping[str, str], limits: Timeout | None
    ) -> Reply:
        """Returns an answer below 500, however long it takes: only for connecting does it have a limit of its own.

        Raises UnreachableError, AttemptTimeoutError, ShedError (429) or RemoteError.
        """
        ...


class HttpTransport:
    """HTTP over one aiohttp session a process, shared by all edges."""

    def __init__(self, session: aiohttp.ClientSession, leases: LeaseTable) -> None:
        self._session = session
        self._leases = leases

    async def send(  # noqa: D102 - the protocol's.
        self, edge: str, instance: Instance, outgoing: Outgoing, headers: Mapping[str, str], limits: Timeout | None
    ) -> Reply:
        try:
            if not self._leases.idle:
                await inject_client(self._leases, edge)
            return await self._exchange_across(edge, instance, outgoing, headers, limits)
        except InjectedError as error:
            return _judged(edge, Reply(error.status, b""), "injected")
        except InjectedAbort:
            raise UnreachableError(edge, "connection reset") from None
        except TimeoutError:
            raise AttemptTimeoutError(edge, f"no connection to {instance.name} in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise UnreachableError(edge, f"{instance.name}: {type(error).__name__}") from error

    async def _exchange_across(
        self, edge: str, instance: Instance, outgoing: Outgoing, headers: Mapping[str, str], limits: Timeout | None
    ) -> Reply:
        """The exchange over a network that may have been cut meanwhile, so that nothing of what came of it is known yet."""
        try:
            reply = await self._exchange(edge, instance, outgoing, headers, limits)
        except TimeoutError:
            raise  # Our own patience, for which nobody has to tell us anything.
        except (CallError, aiohttp.ClientError, OSError):
            await inject_client_answer(self._leases, edge)
            raise
        if not self._leases.whole:
            await inject_client_answer(self._leases, edge)
        return reply

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
            outgoing.method,
            instance.base_url + outgoing.path,
            data=outgoing.body,
            headers=sent,
            timeout=timeout,
            # Another place than the one that was chosen is none of ours, and it would be sent our token.
            allow_redirects=False,
        ) as response:
            body = b""
            while not response.content.at_eof():
                body += await response.content.read(MAX_REPLY_BYTES + 1 - len(body))
                if max(len(body), response.content_length or 0) > MAX_REPLY_BYTES:
                    raise RemoteError(edge, response.status, "the answer is too large")
            retry_after_ms = _retry_after_ms(response.headers.get("Retry-After"))
            return _judged(edge, Reply(response.status, body, response.headers.get(DEGRADED_HEADER), retry_after_ms))


def _judged(edge: str, reply: Reply, detail: str | None = None) -> Reply:
    """`reply`, unless it says that the callee did not do it. Raises ShedError or RemoteError."""
    if reply.status == _SHED:
        raise ShedError(edge, reply.detail if detail is None else detail, reply.retry_after_ms)
    if reply.status >= _SERVER_ERROR:
        raise RemoteError(edge, reply.status, reply.detail if detail is None else detail, reply.retry_after_ms)
    return reply


def _retry_after_ms(value: str | None) -> float | None:
    """Whole seconds, as services state it; a date, or more than an hour, is no help to a call that somebody waits for."""
    stated = value.strip() if value else ""
    # Its length first: a number of a million digits would take its time to be read.
    seconds = int(stated) if stated.isascii() and stated.isdigit() and len(stated) <= len(str(_MAX_RETRY_AFTER_S)) else None
    return seconds * 1_000.0 if seconds is not None and seconds <= _MAX_RETRY_AFTER_S else None
