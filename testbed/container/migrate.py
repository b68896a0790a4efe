"""Makes each service's database and role on one PostgreSQL server, and brings them to head: run once, before the services.

DATABASE_SERVER is the server's URL, with a user who may make roles and databases; DATABASE_URL_<SERVICE> is a service's own, for
each that keeps data by the map. What is there already is left alone, so it may be run at any time.
"""

import asyncio
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from services.document import DocumentError
from services.kit.database_url import DatabaseUrlError
from services.kit.migrations.errors import SchemaError
from services.topology import default_topology_path, load_topology
from testbed.migration import ServiceData, Work
from testbed.migrator import prepare

SERVER: Final = "DATABASE_SERVER"
EXIT_FAILED: Final = 2
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_PASSWORD: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")
"""These mean themselves in a URL, in SQL and in a shell: nobody has to quote them, and nobody can forget to."""
_HOW: Final = (
    "write postgresql://USER:PASSWORD@HOST:PORT/NAME with names of a-z, 0-9 and _, and passwords of letters, digits, - and _"
)
_REFUSED: Final = (
    "; a server keeps the password that it was made with: restore the old .env, or begin with fresh data: make down volumes=1"
)


def work_of(environment: Mapping[str, str]) -> Work:
    """What is to be made. Raises ValueError naming the variable that is missing or wrong, DocumentError for the map."""
    topology = load_topology(Path(environment.get("FIREBREAK_TOPOLOGY") or default_topology_path()))
    services = {
        name: ServiceData(module=service.module, url=_url(environment, variable_of(name), wants_database=True))
        for name, service in topology.services.items()
        if service.database
    }
    return Work(services=services, server=_url(environment, SERVER, wants_database=False))


def variable_of(service: str) -> str:
    """Name of the variable with the URL of a service's database."""
    return f"DATABASE_URL_{service.upper().replace('-', '_')}"


def _url(environment: Mapping[str, str], variable: str, *, wants_database: bool) -> str:
    url = environment.get(variable, "")
    parts = SplitResult("", "", "", "", "")
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "postgresql" and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # Its text repeats parts of the URL.
        usable = False
    names = [parts.username or "", *([parts.path.removeprefix("/")] if wants_database else [])]
    if not usable or not all(map(_NAME.fullmatch, names)) or not _PASSWORD.fullmatch(parts.password or ""):
        raise ValueError(f"{variable}: {'no usable URL' if url else 'not set'}; {_HOW}")
    return url


def main() -> int:
    """Does the work of this environment. 2, after one line that says why, when it cannot."""
    try:
        work = work_of(os.environ)
        asyncio.run(prepare(work))
    except (SchemaError, DatabaseUrlError, DocumentError, ValueError, OSError) as error:
        hint = _REFUSED if "InvalidPassword" in str(error) else ""
        sys.stderr.write(f"{error}{hint}\n")
        return EXIT_FAILED
    sys.stdout.write(f"at head: {', '.join(work.services)}\n")
    return 0
