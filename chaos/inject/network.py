"""The network around a process, as far as leases have something to say about it."""

from chaos.inject.injection import Injection
from chaos.inject.leases import LeaseTable


async def cross(table: LeaseTable, edge: str | None = None, met: Injection | None = None) -> None:
    """Returns when nothing keeps a packet from crossing to or from this process, or over `edge` of it.

    Args:
        table: The process's leases.
        edge: Such as `orders->payments`; None: the server side.
        met: The partition that was met already.

    Raises:
        InjectedAbort: As much is held back already as the table allows.
    """
    partition = met or table.severed(edge)
    while partition is not None:
        await partition.apply()
        partition = table.severed(edge)
