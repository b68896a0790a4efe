"""The client side: called by a caller's transport before each attempt over an edge, innermost, and after it."""

from chaos.inject.leases import LeaseTable
from chaos.inject.network import cross


async def inject_client(table: LeaseTable, edge: str) -> None:
    """Applies the leases of `edge` (`orders->payments`) to one attempt that is about to be sent.

    Returns at once when there are none; delays (latency); hangs until cancelled or the lease ends (hang, partition). A partition
    comes last, nearest to the wire.

    Raises:
        InjectedError: The attempt is answered with `.status`.
        InjectedAbort: The attempt's connection is reset (a ConnectionResetError).
    """
    for injection in table.draw(edge):
        await injection.apply()
    await cross(table, edge)


async def inject_client_answer(table: LeaseTable, edge: str) -> None:
    """Keeps back what came of an attempt, be it an answer or a reset, while a partition lasts. Raises InjectedAbort."""
    await cross(table, edge)
