"""Partition: the network loses every packet between the target and everybody else, and tells nobody."""

from typing import ClassVar, Literal

from chaos.faults.base import RequestFault
from chaos.faults.hold import Hold


class Partition(RequestFault):
    """Keeps requests, calls and answers back until the lease ends; then they go on, as TCP sends again what was lost.

    What a firewall's DROP does, and Chaos Mesh's NetworkChaos `partition`: no refusal and no reset, so that whoever waits does so
    for as long as his own patience lasts.
    """

    kind: Literal["partition"] = "partition"

    summary: ClassVar[str] = "is cut off: nothing reaches it, nothing leaves it, and nobody is told"
    outlasts_caller: ClassVar[bool] = True
    severs: ClassVar[bool] = True

    async def apply(self, hold: Hold) -> None:
        """Waits for the end of the lease."""
        await hold.wait_for_end()

    def __str__(self) -> str:
        return "partition"
