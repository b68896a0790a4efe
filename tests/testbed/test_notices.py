import asyncio
from pathlib import Path

import pytest

from observability.notify import notify_ready
from testbed.notices import Notice, NoticeBoard, parse_notice


def test_a_ready_message_carries_process_instance_and_ports() -> None:
    datagram = b"READY=1\nMAINPID=4711\nX_FIREBREAK_INSTANCE=telemetry/1\nX_FIREBREAK_PORT=16686\nX_FIREBREAK_OTLP_PORT=4318"
    assert parse_notice(datagram) == Notice("telemetry/1", 4_711, 16_686, 4_318)


@pytest.mark.parametrize(
    "datagram", [b"", b"STATUS=starting", b"READY=1\nMAINPID=x\nX_FIREBREAK_PORT=1", b"READY=1\nMAINPID=1", b"\xff=\xfe\nREADY=0"]
)
def test_other_messages_and_nonsense_are_no_notices(datagram: bytes) -> None:
    assert parse_notice(datagram) is None


async def test_the_board_receives_what_a_process_sends_and_leaves_no_socket_behind(tmp_path: Path) -> None:
    received: asyncio.Queue[Notice] = asyncio.Queue()
    board = NoticeBoard(tmp_path / "notify.sock", received.put_nowait)
    board.open()
    notify_ready("orders/2", 8_001, address=str(board.path))
    notice = await received.get()
    assert (notice.instance, notice.port, notice.otlp_port) == ("orders/2", 8_001, None)
    board.close()
    assert not board.path.exists()
