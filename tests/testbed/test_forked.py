"""The supervisor's end of the socket to the warmed parent."""

import asyncio
import socket
from pathlib import Path

import pytest

from testbed.forked import ForkedProcesses
from testbed.messages import Imported, Refused, encode
from testbed.parent import Parent
from testbed.process import Command, StartError


class EndedParent(Parent):
    """A parent that is no process: there is nothing to kill."""

    def end(self) -> None:
        self.channel.close()


async def requested(theirs: socket.socket) -> None:
    """Returns once a request lies in the socket, unread."""
    while True:
        try:
            theirs.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            await asyncio.sleep(0)
        else:
            return


async def test_why_a_parent_ended_is_told_to_who_waits_though_it_left_the_request_unread() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    processes = ForkedProcesses(("good", "bad"), EndedParent(0, ours))
    theirs.send(encode(Imported("good")))
    start = asyncio.ensure_future(processes.start(Command("good/1", "good", {}, Path("good.log"))))
    await requested(theirs)
    theirs.send(encode(Refused("", "module bad cannot be imported: no such thing")))
    theirs.close()
    with pytest.raises(StartError, match="module bad cannot be imported"):
        await start
