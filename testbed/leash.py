"""A process that cannot outlive its parent: the kernel kills it when the parent ends, however the parent ends.

Linux only (prctl PR_SET_PDEATHSIG). Elsewhere the call does nothing, and a supervisor that is killed with SIGKILL leaves its
processes running. `python -m testbed.leash PARENT MODULE` runs a module on such a leash, and with `-- PROGRAM ARGUMENT...`
instead of a module a program. That way no code runs between fork and exec in the parent, which would be unsafe once the parent
has threads.
"""

import ctypes
import os
import resource
import runpy
import signal
import sys
from typing import Final, NoReturn

LEASHED_PROGRAM: Final = "--"
MAX_FILE_BYTES: Final = 128 * 1024 * 1024
"""No file of a leashed program grows larger, its log included: a program that has gone mad ends before the disk is full."""
NICENESS: Final = 5
"""Of a leashed program: where processors are short, the system that it watches comes first, at three times its share."""
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


def die_with(parent_pid: int) -> None:
    """Asks the kernel for SIGKILL when the thread that created this process ends; stopped processes die as well.

    Args:
        parent_pid: Process id of the expected parent. When it died before the request was in force, this process
            exits at once, because nobody would ever tell it.

    Raises:
        OSError: The kernel refused.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:
        os._exit(1)


def _become(program: str, arguments: list[str]) -> NoReturn:
    """Turns this process into a program of somebody else; the leash stays."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, MAX_FILE_BYTES))
    try:
        os.execv(program, [program, *arguments])  # noqa: S606 - no shell is wanted: the arguments are a list.
    except OSError as error:
        sys.exit(f"{program} cannot be executed: {error.strerror}")


def main() -> None:
    """Runs `MODULE` as `python -m MODULE` would, or `PROGRAM`, leashed to `PARENT`."""
    parent_pid, module = sys.argv[1:3]
    die_with(int(parent_pid))
    if module == LEASHED_PROGRAM:
        _become(sys.argv[3], sys.argv[4:])
    del sys.argv[1:3]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
