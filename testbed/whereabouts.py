"""Who runs where, told to callers (the registry) and to Prometheus (its targets)."""

import logging
from collections.abc import Iterable

from services.registry import Instance, Registry
from testbed.run import RunFolder
from testbed.scrape_targets import JOB_SERVICES, JOB_TELEMETRY, SYSTEM, ScrapeTarget, write_targets
from testbed.telemetry import TELEMETRY

_log = logging.getLogger(__name__)


class Whereabouts:
    """The two files of one system.

    Args:
        folder: The system's.
        also: Targets that are no instances.
    """

    def __init__(self, folder: RunFolder, also: Iterable[ScrapeTarget] = ()) -> None:
        self._folder = folder
        self._also = tuple(also)
        self._targets: list[ScrapeTarget] = []

    def write(self, instances: tuple[Instance, ...]) -> None:
        """Replaces both files, the targets only if they changed. Raises OSError.

        Instances that are down stay targets: that nobody answers at their address is what Prometheus is to see.
        """
        Registry(instances=instances).write(self._folder.registry)
        targets = [*self._also, *(_target(instance) for instance in instances if instance.port)]
        if targets != self._targets:
            write_targets(self._folder.targets / SYSTEM, targets)
            self._targets = targets

    def update(self, instances: tuple[Instance, ...]) -> None:
        """As `write`. A disk that refuses is logged, and the old files stand: who calls finds out that an instance is gone."""
        try:
            self.write(instances)
        except OSError as error:
            _log.error("%s: %s", error.filename or self._folder.registry, error.strerror)

    def remove(self) -> None:
        """Nobody runs any more."""
        self._folder.registry.unlink(missing_ok=True)
        (self._folder.targets / SYSTEM).unlink(missing_ok=True)


def _target(instance: Instance) -> ScrapeTarget:
    job = JOB_TELEMETRY if instance.service == TELEMETRY else JOB_SERVICES
    return ScrapeTarget(f"{instance.host}:{instance.port}", job, instance.service, instance.name)
