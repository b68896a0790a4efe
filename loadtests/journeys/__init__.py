"""What a customer does, one journey a file."""

from typing import Final

from loadtests.journeys.browse import BROWSE
from loadtests.journeys.journey import Journey
from loadtests.journeys.order import ORDER
from loadtests.journeys.review import REVIEW
from loadtests.journeys.sign_in import SIGN_IN
from loadtests.journeys.track import TRACK

JOURNEYS: Final[dict[str, Journey]] = {journey.name: journey for journey in (BROWSE, ORDER, TRACK, REVIEW, SIGN_IN)}
"""By name, as a mix writes them."""
