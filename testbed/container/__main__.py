"""`python -m testbed.container`: keeps this container's replica, as its process 1, or does one of COMMANDS beside it.

Each imports only what it needs: what is asked of a running system must not wait for a framework to be imported.
"""

import signal
import sys
from importlib import import_module
from typing import NoReturn

COMMANDS = {
    "ask": "asking",  # Sends one request (testbed.control), a JSON line on standard input, and prints the answer.
    "journal": "reading",  # Prints what was started, ended and done to processes here since process 1 began.
    "health": "health",  # Whether the service answers: exit code 0 or 1.
    "forget-stream": "stream",  # Deletes the event stream that is named on standard input.
    "migrate": "migrate",  # Makes and migrates the databases of all services, in a container of its own.
}
EXIT_BAD_INPUT = 2


def main() -> NoReturn:
    """Does what the command line says; exits with 2 on anything else."""
    verb = " ".join(sys.argv[1:])
    if verb and verb not in COMMANDS:
        sys.stderr.write(f"no such command: {verb}; allowed: {', '.join(COMMANDS)}, or none to keep the replica\n")
        sys.exit(EXIT_BAD_INPUT)
    if verb:
        _be_the_first_to_go()
    else:
        # The kernel spares process 1 signals that it does not handle: it would outlive a `docker stop` while it imports.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.exit(import_module(f"testbed.container.{COMMANDS.get(verb, 'keep')}").main())


def _be_the_first_to_go() -> None:
    """Where the container's memory is short, the kernel is to end what somebody asks, and not the service that is asked about."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123 - pathlib takes longer to import than this takes.
            file.write("1000")
    except OSError:
        return  # Where there is no such thing, nobody is ended for memory.


if __name__ == "__main__":
    main()
