"""`make api`: writes docs/api anew from the code. The public contract it only extends; what would break it is named instead."""

import asyncio
import sys

from tests.contracts.committed import Committed


def main() -> None:
    """Writes what differs and says so. Exits with 1 when the public contract would be broken."""
    committed = Committed()
    for file in asyncio.run(committed.write()):
        sys.stdout.write(f"wrote docs/api/{file}\n")
    broken = committed.breaks()
    if broken:
        sys.stderr.write("docs/api/v1.json is a promise, and is not written: the code breaks clients that rely on it\n")
        sys.stderr.writelines(f"  {each}\n" for each in broken)
        sys.exit(1)


if __name__ == "__main__":
    main()
