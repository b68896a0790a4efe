"""The network around a process, as far as leases have something to say about it."""

from chaos.inject.leases import LeaseTable


async def cross(table: LeaseTable, edge: str | None = None) -> None:
    """Returns when nothing keeps a packet from crossing to or from this process, or over `edge` of it.

    Raises:
        InjectedAbort: As much is held back already as the table allows.
    """
    while (partition := table.severed(edge)) is not None:
        await partition.apply()
