"""The supervisor's side of testbed.migrator: what the process is told, and that the system fails when it fails.

Apart from the migrator's own code, because that imports a database toolkit, and the supervisor has to be quick.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict

from testbed.last_words import last_words
from testbed.process import Command, Processes, StartError, describe_exit

NAME: Final = "migrator"
MIGRATOR: Final = "testbed.migrator"
"""Its module, started like any process of a system."""
VARIABLE: Final = "FIREBREAK_MIGRATIONS"
"""Holds a `Work` as JSON: a command line would show everybody its passwords."""


class ServiceData(BaseModel):
    """Where a service keeps its data, and the module that its migrations belong to."""

    model_config = ConfigDict(frozen=True)

    module: str
    url: str


class Work(BaseModel):
    """What one migrator does.

    Attributes:
        services: By name, in this order.
        server: URL of the PostgreSQL server on which databases and roles that are missing are made; empty for SQLite.
    """

    model_config = ConfigDict(frozen=True)

    services: Mapping[str, ServiceData]
    server: str = ""


class MigrationFailedError(Exception):
    """The databases could not be prepared; the text has the migrator's own words."""


async def run_migrator(processes: Processes, command: Command) -> None:
    """Returns once all databases are at head. Raises MigrationFailedError, or OSError when no process can be started."""
    try:
        child = await processes.start(command)
    except StartError as error:
        raise MigrationFailedError(str(error)) from None
    status = await asyncio.shield(child.exit)
    if status:
        raise MigrationFailedError(f"the databases cannot be prepared: {describe_exit(status)}{last_words(command.log)}")
