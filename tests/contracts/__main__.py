"""`make api`: writes docs/api anew from the code. The public contract it only extends; what would break it is named instead."""

import asyncio
import sys
from pathlib import Path

from tests.contracts.committed import Committed
from tests.contracts.documents import FOLDER


def main(folder: Path = FOLDER) -> int:
    """Writes what differs and says so. Returns an exit code: 1 when the public contract would be broken."""
    committed = Committed(folder)
    for file in asyncio.run(committed.write()):
        sys.stdout.write(f"wrote docs/api/{file}\n")
    broken = committed.breaks()
    if broken:
        sys.stderr.write("docs/api/v1.json is a promise, and is not written: the code breaks clients that rely on it\n")
        sys.stderr.writelines(f"  {each}\n" for each in broken)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
