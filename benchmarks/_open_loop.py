"""A client that sends requests at a fixed rate, whatever becomes of them; a latency counts from the instant that was intended."""

import os
import select
import socket
import time
from collections import deque
from typing import Final

from benchmarks._closed_loop import Tally, is_whole

CONNECTIONS: Final = 128
_ANSWER_BYTES: Final = 65_536
_PRIORITY: Final = 1


def offer(port: int, request: bytes, rate: float, for_s: float) -> Tally:
    """Sends `rate` requests a second to `port` of this machine, evenly spaced. Raises OSError when nobody listens there.

    With more than CONNECTIONS unanswered, further ones wait in a queue, and their waiting counts.
    """
    opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    for each in opened:
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        each.settimeout(0)
    try:
        return _play(opened, request, rate, for_s)
    finally:
        for each in opened:
            each.close()


def prefer_this_process() -> bool:
    """Real-time priority, the lowest, so that schedules are kept beside busy processes; False where that is not allowed."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except PermissionError:
        return False
    return True


def _play(idle: list[socket.socket], request: bytes, rate: float, for_s: float) -> Tally:
    tally, began_s = Tally(), time.perf_counter()
    due = deque(began_s + 0.01 + number / rate for number in range(int(rate * for_s)))
    busy: dict[socket.socket, float] = {}
    answers: dict[socket.socket, bytes] = {}
    while due or busy:
        now_s = time.perf_counter()
        while due and due[0] <= now_s and idle:
            connection = idle.pop()
            busy[connection], answers[connection] = due.popleft(), b""
            connection.send(request)
        until_s = max(0.0, due[0] - time.perf_counter()) if due and idle else 1.0
        for connection in select.select(list(busy), (), (), until_s)[0]:
            answers[connection] += connection.recv(_ANSWER_BYTES)
            if not is_whole(answers[connection]):
                continue
            if answers[connection].startswith(b"HTTP/1.1 2"):
                tally.latencies_s.append(time.perf_counter() - busy[connection])
            else:
                tally.failed += 1
            del busy[connection]
            idle.append(connection)
    tally.lasted_s = time.perf_counter() - began_s
    return tally
