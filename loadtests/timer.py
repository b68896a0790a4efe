"""Sleeping until an instant under gevent, precisely.

gevent's own sleep is a timer of its event loop and wakes 0.6 ms late in the median. A Linux timerfd is a high-resolution kernel
timer whose expiry is a readable file descriptor, which the loop watches like any socket; it wakes within 0.1 ms. Where it does
not exist, gevent's event with a timeout stands in.
"""

import contextlib
import ctypes
import functools
import gc
import os
import sys
from typing import Final

import gevent
from gevent.event import Event

from loadtests.clock import Clock
from loadtests.dispatcher import Timer

# From <time.h> and <sys/timerfd.h>; the same on every Linux architecture that Python supports.
_CLOCK_MONOTONIC: Final = 1
_TFD_TIMER_ABSTIME: Final = 1
_READABLE: Final = 1  # Event mask of the loop's io watchers.
_NEVER_NS: Final = 2**62
_AT_ONCE_NS: Final = 1  # An absolute time in the past fires now; 0 would disarm the timer.


class ScheduleTimer(Timer):
    """A timer that owns system resources."""

    def close(self) -> None:
        """Gives them back."""


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class TimerfdTimer(ScheduleTimer):
    """Sleeps on a Linux timerfd through the gevent hub. Raises OSError or AttributeError where there is none."""

    def __init__(self, clock: Clock) -> None:
        self._start_ns = int(clock.start_monotonic_s * 1e9)
        self._fd = _timerfd_create()
        self._hub = gevent.get_hub()
        self._watcher = self._hub.loop.io(self._fd, _READABLE)

    def sleep_until(self, instant_s: float | None) -> None:
        """See Timer."""
        deadline_ns = _NEVER_NS if instant_s is None else self._start_ns + int(instant_s * 1e9)
        _timerfd_settime(self._fd, max(deadline_ns, _AT_ONCE_NS))
        self._hub.wait(self._watcher)
        with contextlib.suppress(BlockingIOError):
            os.read(self._fd, 8)  # The count of expiries; unread, it would stay readable.

    def wake(self) -> None:
        """See Timer."""
        _timerfd_settime(self._fd, _AT_ONCE_NS)

    def close(self) -> None:
        """Closes the file descriptor; nobody may be asleep."""
        self._watcher.close()
        os.close(self._fd)


class EventTimer(ScheduleTimer):
    """Sleeps on a gevent event: works everywhere, wakes about a millisecond late."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._woken = Event()

    def sleep_until(self, instant_s: float | None) -> None:
        """See Timer."""
        self._woken.clear()
        self._woken.wait(None if instant_s is None else max(0.0, instant_s - self._clock.now_s()))

    def wake(self) -> None:
        """See Timer."""
        self._woken.set()

    def close(self) -> None:
        """Has nothing to give back."""


def best_timer(clock: Clock) -> ScheduleTimer:
    """The most precise timer of this machine for `clock`."""
    try:
        return TimerfdTimer(clock)
    except (OSError, AttributeError):
        return EventTimer(clock)


def reduce_jitter() -> None:
    """Keeps the interpreter from pausing this process for milliseconds at a time; call it once everything is loaded.

    What exists now is never looked at by the garbage collector again, new objects are looked at in small steps, and a thread
    that writes to disk hands the interpreter back after half a millisecond instead of five.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 100)
    sys.setswitchinterval(0.0005)


def claim_processor() -> bool:
    """Asks that this thread runs as soon as it has something to do, as if the generator had a machine of its own.

    On a machine that it shares with a busy system it otherwise waits its turn for milliseconds, which no timer can help.
    Round-robin real-time scheduling at the lowest priority, for this thread alone. Linux permits it to root, to CAP_SYS_NICE, and
    within RLIMIT_RTPRIO, and keeps 5 % of each processor from it (sched_rt_runtime_us).

    Returns:
        Whether it was permitted.
    """
    try:
        lowest = os.sched_param(os.sched_get_priority_min(os.SCHED_RR))
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, lowest)
    except (OSError, AttributeError):
        return False
    return True


if sys.version_info >= (3, 13):

    def _timerfd_create() -> int:
        return os.timerfd_create(_CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC)

    def _timerfd_settime(fd: int, deadline_ns: int) -> None:
        os.timerfd_settime_ns(fd, flags=os.TFD_TIMER_ABSTIME, initial=deadline_ns)

else:

    @functools.cache
    def _libc() -> ctypes.CDLL:
        return ctypes.CDLL(None, use_errno=True)

    def _timerfd_create() -> int:
        fd: int = _libc().timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        return fd

    def _timerfd_settime(fd: int, deadline_ns: int) -> None:
        seconds, nanoseconds = divmod(deadline_ns, 1_000_000_000)
        spec = _Itimerspec(value=_Timespec(seconds, nanoseconds))
        if _libc().timerfd_settime(fd, _TFD_TIMER_ABSTIME, ctypes.byref(spec), None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")
