"""Open-loop load on FeastFast. Every Locust user is an independent source of one journey a second.

    python -m locust -f loadtests/locustfile.py --host http://127.0.0.1:8080

opens the web UI, where "users" is arrivals a second; see --help for playing a fixed schedule.
"""

from typing import Any

import locust
from locust import User, constant, task

from loadtests.options import add_arguments
from loadtests.session import Session


class Customers(User):
    """One arrival a second. The dispatcher starts the journeys; this user only says that its source is there."""

    session: Session
    wait_time = constant(3_600)

    def on_start(self) -> None:
        """Locust spawned this user."""
        self._source = self.session.join()

    def on_stop(self) -> None:
        """Locust stopped it."""
        self.session.leave(self._source)

    @task
    def visit(self) -> None:
        """Nothing: an arrival that waited for a user would not be open-loop."""


def _attach(environment: Any, **_event: object) -> None:
    Customers.session = Session(environment)


_events: Any = locust.events  # Locust's events are not typed.
_events.init_command_line_parser.add_listener(add_arguments)
_events.init.add_listener(_attach)
