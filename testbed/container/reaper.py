"""Collects the ends of processes that became process 1's children because their parents ended."""

import os


def reap_strangers(own: int) -> int:
    """Reaps what has ended, and returns how many that were.

    Args:
        own: A child that somebody else waits for. What ended after it is collected the next time, when it is gone.
    """
    count = 0
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return count
        if ended is None or ended.si_pid == own:
            return count
        os.waitpid(ended.si_pid, 0)
        count += 1
