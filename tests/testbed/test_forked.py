"""The supervisor's end of the socket to the warmed parent."""

import asyncio
import socket
from pathlib import Path

import pytest

from testbed.forked import ForkedProcesses
from testbed.messages import MAX_PACKET_BYTES, Imported, Refused, Start, decode, encode
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
    processes = ForkedProcesses(("good", "bad"), EndedParent(0, ours), hasty=("good",))
    theirs.send(encode(Imported("good")))
    start = asyncio.ensure_future(processes.start(Command("good/1", "good", {}, Path("good.log"))))
    await requested(theirs)
    theirs.send(encode(Refused("", "module bad cannot be imported: no such thing")))
    theirs.close()
    with pytest.raises(StartError, match="module bad cannot be imported"):
        await start


async def test_processes_are_forked_once_all_modules_are_imported_save_what_others_wait_for() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    processes = ForkedProcesses(("hasty", "calm", "last"), EndedParent(0, ours), hasty=("hasty",))
    calm = asyncio.ensure_future(processes.start(Command("calm/1", "calm", {}, Path("calm.log"))))
    hasty = asyncio.ensure_future(processes.start(Command("hasty/1", "hasty", {}, Path("hasty.log"))))
    for module in ("calm", "hasty"):
        theirs.send(encode(Imported(module)))
    await requested(theirs)
    assert decode(theirs.recv(MAX_PACKET_BYTES)) == Start("hasty/1", "hasty", {}, "hasty.log")
    theirs.send(encode(Imported("last")))
    await requested(theirs)
    assert decode(theirs.recv(MAX_PACKET_BYTES)) == Start("calm/1", "calm", {}, "calm.log")
    processes.close()
    theirs.close()
    for start in (calm, hasty):
        with pytest.raises(OSError, match="the parent of all processes ended"):
            await start
