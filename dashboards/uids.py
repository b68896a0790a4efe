"""The uids of the dashboards: addresses in links, bookmarks and alerts, so they never change."""

from typing import Final

PREFIX: Final = "firebreak-"

OVERVIEW: Final = f"{PREFIX}overview"
SERVICE: Final = f"{PREFIX}service"
EDGE: Final = f"{PREFIX}edge"
SLO: Final = f"{PREFIX}slo"
CHAOS: Final = f"{PREFIX}chaos"
SAGA: Final = f"{PREFIX}saga"
LOAD: Final = f"{PREFIX}load"
