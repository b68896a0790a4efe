"""Cutting the connection of a request, for which ASGI has no word.

An application that returns without answering is answered for by its server (uvicorn sends a 500), and an answer that breaks off
has been an answer. So the connection's socket is found among this process's own, by the two addresses that the
scope names, and shut down. The server sees what it sees when a caller goes away, the caller what it sees when a process dies.
"""

import asyncio
import os
import socket
from collections.abc import Callable

from chaos.faults.errors import InjectedAbort
from chaos.inject.asgi import Receive, Scope

Cut = Callable[[Scope], bool]

_DESCRIPTORS = "/dev/fd"
"""This process's open files, on Linux and macOS."""
_LONGEST_CUT_S = 1.0


async def end_by_cutting(cut: Cut, scope: Scope, receive: Receive) -> None:
    """Ends a request without an answer. Raises InjectedAbort where its connection is not to be found."""
    if not cut(scope):
        raise InjectedAbort("injected: connection cut; the server was not reached by its socket and answers as it does")
    # Once the server has noticed, it does not answer for an application that did not.
    try:
        async with asyncio.timeout(_LONGEST_CUT_S):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


def cut_connection(scope: Scope) -> bool:
    """Shuts the request's connection down; False when there is no such connection (a test client, a Unix socket, a proxy's word).

    Costs a look at each open descriptor, a few microseconds each.
    """
    client, server = scope.get("client"), scope.get("server")
    if not client or not server:
        return False
    ends = (tuple(client), tuple(server))
    with os.scandir(_DESCRIPTORS) as entries:
        return any(_shut(int(entry.name), ends) for entry in entries)


def _shut(descriptor: int, ends: tuple[tuple[str, int], tuple[str, int]]) -> bool:
    try:
        connection = socket.socket(fileno=descriptor)
    except OSError:
        return False  # No socket, or the descriptor of the listing itself, closed by now.
    try:
        if (connection.getpeername()[:2], connection.getsockname()[:2]) != ends:
            return False
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return False  # Not connected.
    else:
        return True
    finally:
        connection.detach()  # The descriptor belongs to the server.
