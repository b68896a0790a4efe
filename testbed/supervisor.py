"""Keeps one system's processes: `python -m testbed.supervisor --state DIR`, usually through testbed.launch.

It exits with 0 when it was asked to stop, and with 2, after one clear reason, when the system could not be started. Its
processes are on a leash (testbed.leash), so they end with it even when it is killed.
"""

import os

from testbed.arguments import parse_arguments
from testbed.parent import start_parent


def main() -> None:
    """Reads the command line, detaches from the launcher, and keeps the system until it is stopped."""
    options = parse_arguments()
    if options.channel is not None and os.fork():
        os._exit(0)  # The launcher waits only for this; the supervisor itself is nobody's child.
    parent = start_parent(tuple(options.warm)) if options.warm else None
    from testbed.supervision import supervise  # noqa: PLC0415 - 0.2 s that the parent uses to import what it is to fork

    supervise(options, parent)


if __name__ == "__main__":
    main()
