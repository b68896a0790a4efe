"""The client side: called by a caller's transport before each attempt over an edge, innermost."""

from chaos.inject.leases import LeaseTable


async def inject_client(table: LeaseTable, edge: str) -> None:
    """Applies the leases of `edge` (`orders->payments`) to one attempt.

    Returns at once when there are none; delays (latency); hangs until cancelled or the lease ends (hang).

    Raises:
        InjectedError: The attempt is answered with `.status`.
        InjectedAbort: The attempt's connection is reset (a ConnectionResetError).
    """
    for injection in table.draw(edge):
        await injection.apply()
