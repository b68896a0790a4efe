"""The environment in which every Python process of a system starts, whatever it runs."""

import os

_SETTINGS = {
    "PYTHONUNBUFFERED": "1",  # What a process prints is in its log at once, also if it is killed the moment after.
    # A fixed threshold: large blocks go back to the system when they are freed. Left to itself, glibc raises it to the size
    # of the largest block freed so far, and a password hash's 7 MiB would stay with the process for good. What a request takes
    # lies below it, and a batch of spans (encoded, sent, received) above.
    "MALLOC_MMAP_THRESHOLD_": "262144",
    # One heap for all threads: glibc gives each its own, up to eight a processor, so that they need not wait for one another.
    # Ours, a connection to a database each, hardly meet, since the interpreter lets one run at a time; what they free, any uses.
    "MALLOC_ARENA_MAX": "1",
}


def interpreter_environment() -> dict[str, str]:
    """This process's environment with what every process of a system is to have."""
    return os.environ | _SETTINGS
