"""Collects the ends of processes that became process 1's children because their parents ended."""

import os
from collections.abc import Collection


def reap_strangers(own: Collection[int]) -> int:
    """Reaps what has ended, and returns how many that were.

    Args:
        own: Children that somebody else waits for. What ended after one of them is collected the next time.
    """
    count = 0
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return count
        if ended is None or ended.si_pid in own:
            return count
        os.waitpid(ended.si_pid, 0)
        count += 1
