"""The short-lived process that brings a system's databases to head, while its replicas start and wait for that.

One process for all services: what costs time is Alembic, which it imports once, and only when there is something to migrate.
Its work is in the environment as JSON, because a command line would show everybody its passwords.
"""

import asyncio
import os
import sys

from services.kit.database_url import DatabaseUrlError
from services.kit.migrations.errors import NotAtHeadError, SchemaError
from services.kit.migrations.readiness import wait_for_head
from services.kit.migrations.revisions import Revisions
from testbed.migration import VARIABLE, Work


async def prepare(work: Work) -> None:
    """Makes what is missing. Raises SchemaError, or DatabaseUrlError."""
    if work.server:
        from testbed.provision import provision  # noqa: PLC0415 - with the driver of PostgreSQL, which few systems need.

        await provision(work.server, {name: data.url for name, data in work.services.items()})
    for name, data in work.services.items():
        revisions = Revisions.of(name, data.module)
        if revisions is not None and not await _is_ready(data.url, revisions):
            from services.kit.migrations.runner import migrate  # noqa: PLC0415 - Alembic: only when there is work for it.

            await migrate(data.url, revisions)


async def _is_ready(url: str, revisions: Revisions) -> bool:
    try:
        await wait_for_head(url, revisions, wait_s=0)
    except NotAtHeadError:
        return False
    return True


def main() -> None:
    """Does the work of this environment. Exits with 2, after one line that says why, when it cannot."""
    try:
        asyncio.run(prepare(Work.model_validate_json(os.environ[VARIABLE])))
    except (SchemaError, DatabaseUrlError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
