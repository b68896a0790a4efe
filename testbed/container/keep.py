"""Process 1 of a service's container: keeps its replica, holds its process faults as leases, and answers on its socket.

It ends with 0 when it is told to, within STOP_S; with 1 when the replica cannot be kept running, and then the engine starts the
container again; with 2, after one line, when there is nothing to keep.
"""

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Final

from services.document import DocumentError
from testbed.container.container import Container
from testbed.container.places import FOLDER
from testbed.container.plan import ContainerPlan, plan_container
from testbed.forked import ForkedProcesses
from testbed.parent import Parent, fork_parent

EXIT_GIVEN_UP: Final = 1
EXIT_UNUSABLE: Final = 2


def main(folder: Path = Path(FOLDER)) -> int:
    """Keeps the replica of this environment until process 1 is told to end. Returns the exit code."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        plan = plan_container(os.environ, folder)
    except (DocumentError, ValueError) as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{error.filename or 'the disk'}: {error.strerror}")
    # It imports nothing more, unlike the supervisor's: a service that is there twice, in a parent and in its one child, costs a
    # container 30 MiB. Forked from here, the child still shares an interpreter's 8.
    parent = fork_parent((), None)
    try:
        failure = asyncio.run(_keep(plan, parent, folder))
    except OSError as error:
        return _refuse(f"{error.filename or folder}: {error.strerror or error}")
    if failure:
        sys.stderr.write(f"{plan.instance.name} cannot be kept running: {failure}\n")
    return EXIT_GIVEN_UP if failure else 0


async def _keep(plan: ContainerPlan, parent: Parent, folder: Path) -> str:
    """Why the replica was given up, or empty."""
    container = Container(plan, ForkedProcesses((), parent), folder)
    await container.run()
    return container.failure


def _refuse(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return EXIT_UNUSABLE
