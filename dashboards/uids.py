"""The uids of the dashboards: addresses in links, bookmarks and alerts, so they never change."""

from typing import Final

OVERVIEW: Final = "firebreak-overview"
SERVICE: Final = "firebreak-service"
EDGE: Final = "firebreak-edge"
SLO: Final = "firebreak-slo"
CHAOS: Final = "firebreak-chaos"
SAGA: Final = "firebreak-saga"
LOAD: Final = "firebreak-load"
