"""Looks at the alerts of one arm's system while it runs, and keeps them when its schedule ends."""

from chaos.experiment.alert_record import AlertRecord, AlertSource, RoutedAlert
from chaos.experiment.arm_plan import PlannedArm
from chaos.experiment.folders import write_model
from chaos.experiment.prometheus_api import alert_spans, firing_pages, routed_alerts
from chaos.experiment.world import World
from chaos.http_get import FetchError
from testbed.control import SystemStatus

PROMETHEUS = "prometheus"
ALERTMANAGER = "alertmanager"
LOOK_EVERY_S = 1.0
CALM_S = 2.0
"""A look may take as long as a scrape may, and must not put off what is due at a mark."""
_LEAD_S = 60.0
"""Before the schedule: an alert from the start of a system may still stand."""


class AlertWatch:
    """Asks the Prometheus and the Alertmanager of one system; without them it says and keeps nothing."""

    def __init__(self, planned: PlannedArm, world: World) -> None:
        self._planned = planned
        self._world = world
        self._prometheus: str | None = None
        self._alertmanager: str | None = None
        self._standing: frozenset[str] = frozenset()
        self._routed: tuple[RoutedAlert, ...] = ()
        self._routed_at: float | None = None
        self._looked_at = 0.0

    def attach(self, system: SystemStatus) -> None:
        """From here on it has somebody to ask."""
        self._prometheus = system.addresses.get(PROMETHEUS)
        self._alertmanager = system.addresses.get(ALERTMANAGER)

    def news(self) -> tuple[str, ...]:
        """Pages that began or ended since the last look, at most one look a second."""
        now = self._world.now()
        if self._prometheus is None or now - self._looked_at < LOOK_EVERY_S:
            return ()
        self._looked_at = now
        try:
            standing = firing_pages(self._prometheus, self._world.scrape)
        except FetchError:
            return ()  # The record is read at the end; this is only for whoever looks on.
        began, ended = sorted(standing - self._standing), sorted(self._standing - standing)
        self._standing = standing
        return (*(f"alert fires: {each}" for each in began), *(f"alert is over: {each}" for each in ended))

    def note_routed(self) -> None:
        """Keeps in mind what Alertmanager holds at this moment."""
        if self._alertmanager is not None:
            try:
                self._routed = routed_alerts(self._alertmanager, self._world.scrape)
                self._routed_at = self._world.now()
            except FetchError:
                self._routed_at = None  # Prometheus tells what fired; who would have been called follows from the same routes.

    def keep(self, started_at: float) -> None:
        """Writes alerts.json; nothing when there is no Prometheus or it does not answer. Raises OSError.

        To be called while there is still load: without any, nothing burns, and every alert seems to be over.
        """
        if self._prometheus is None:
            return
        now = self._world.now()
        since_s = now - started_at + _LEAD_S
        try:
            spans = alert_spans(self._prometheus, self._world.get, started_at, now, since_s)
        except FetchError:
            return  # The proof then says that it was computed from the load's record, and why that is less.
        until_s = round(now - started_at, 3)
        record = AlertRecord(
            source=AlertSource.PROMETHEUS,
            until_s=until_s,
            spans=spans,
            routed=self._routed,
            routed_at_s=None if self._routed_at is None else round(self._routed_at - started_at, 3),
        )
        write_model(self._planned.folder.alerts, record)
