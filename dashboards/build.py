"""Writes every dashboard as JSON: `python -m dashboards.build`. The same code always writes the same bytes."""

import json
import sys
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import chaos, edge, load, overview, saga, service, slo, uids
from dashboards.page import Page

FOLDER: Final = Path(__file__).parent


def pages() -> list[Page]:
    """Every dashboard there is, in the order in which an incident is looked into."""
    return [overview.page(), slo.page(), service.page(), edge.page(), saga.page(), chaos.page(), load.page()]


def text_of(page: Page) -> str:
    """The dashboard as a file, sorted by key so that only what changed differs."""
    return json.dumps(page.build(), cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def file_name(page: Page) -> str:
    """Its module's, and what its uid says beside the project's name: `overview.json`."""
    return f"{page.uid.removeprefix(uids.PREFIX)}.json"


def write(folder: Path) -> list[Path]:
    """Writes one file a dashboard, and removes those of dashboards that are no more. Raises OSError."""
    made = {folder / file_name(page): text_of(page) for page in pages()}
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")
    for old in set(folder.glob("*.json")) - set(made):
        old.unlink()
    return list(made)


if __name__ == "__main__":
    sys.stdout.write("".join(f"{path}\n" for path in write(FOLDER)))
