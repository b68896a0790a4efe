"""Which migrations a service has. Known from the names of their files: Alembic costs every process that imports it 10 MiB.

The files are `migrations/versions/0001_<what>.py` in the service's package. Their numbers are their revision ids, and each
follows the one before: a database's history is a line. Users' own services, which keep their data their own way, have none.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from services.kit.migrations.errors import NewerSchemaError

_FILES = "versions/[0-9][0-9][0-9][0-9]_*.py"


@dataclass(frozen=True)
class Revisions:
    """A service's migrations, oldest first."""

    service: str
    folder: Path
    known: tuple[str, ...]

    @property
    def head(self) -> str:
        """The revision that this program is written for."""
        return self.known[-1]

    @classmethod
    def of(cls, service: str, module: str) -> Self | None:
        """Those of a service whose `main()` is in `module` (`services.shop.main`); None when it has none."""
        package = module.rpartition(".")[0]
        spec = find_spec(package) if package else None
        if spec is None or not spec.submodule_search_locations:
            return None
        folder = Path(spec.submodule_search_locations[0]) / "migrations"
        known = tuple(sorted(path.name[:4] for path in folder.glob(_FILES)))
        return cls(service, folder, known) if known else None

    def is_head(self, revision: str | None) -> bool:
        """Whether a database at `revision` (None: an empty one) needs nothing.

        Raises:
            NewerSchemaError: The database is ahead of this program, which must not touch it.
        """
        if revision is not None and revision not in self.known:
            raise NewerSchemaError(
                f"the database of {self.service} is at revision {revision}, and this program knows up to {self.head}: "
                "start the newer program, or give this one a database of its own"
            )
        return revision == self.head
