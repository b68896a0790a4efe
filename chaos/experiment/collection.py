"""Reads what running services say about themselves, and keeps it in an arm's folder."""

from concurrent.futures import ThreadPoolExecutor

from chaos.experiment.arm_plan import PlannedArm
from chaos.experiment.folders import write_model
from chaos.experiment.journeys import read_journeys
from chaos.experiment.metrics import Mark
from chaos.experiment.served import ServedRecord, ask_served, whole_seconds
from chaos.experiment.settling import settle
from chaos.experiment.trace import candidates, keep_trace
from chaos.experiment.windows import Window
from chaos.experiment.world import World
from chaos.http_get import FetchError
from chaos.invariants.books import Books
from chaos.invariants.reading import library_of, read_books
from services.registry import Instance, InstanceState

MAX_SECONDS = 10
"""Of a window that a system's traces are asked for: enough to tell a rate, and little work for it."""
TELEMETRY = "telemetry"
TRACES = "traces"
_MAX_PARALLEL = 16


class Collector:
    """Collects from one arm's running system. Every method raises ControlError when the system is gone, OSError for the disk."""

    def __init__(self, planned: PlannedArm, world: World) -> None:
        self._planned = planned
        self._world = world
        self._system = world.system(planned.folder.root)
        self._served: dict[int, int] = {}

    def keep_metrics(self, mark: Mark) -> None:
        """Writes `metrics/<mark>/<service>-<replica>.txt` of every process that answers.

        All are asked at once: samples of one mark should be of one moment, and one that is stopped should not hold up the rest.
        """
        place = self._planned.folder.metrics / mark
        place.mkdir(parents=True, exist_ok=True)

        def keep(instance: Instance) -> None:
            try:
                body = self._world.scrape(f"{instance.base_url}/metrics", {})
            except FetchError:
                return  # What is missing is missed by whoever needs it.
            (place / f"{instance.service}-{instance.replica}.txt").write_bytes(body)

        instances = self._system.roll().instances
        asked = [each for each in instances if each.state is InstanceState.UP and each.service != TELEMETRY]
        with ThreadPoolExecutor(_MAX_PARALLEL) as pool:
            for _ in pool.map(keep, asked):
                pass

    def keep_books(self) -> None:
        """Writes the books of all services once they balance, or as they are when the time to settle is over."""
        folder, world = self._planned.folder, self._world
        token = self._system.secrets().internal_token
        limit_s = self._planned.loaded.experiment.bounds.settle_ms / 1_000
        books = settle(lambda: self._fetch_books(token), limit_s, world.now, world.sleep)
        if books is not None:
            write_model(folder.books, books)

    def keep_trace(self, window: Window) -> None:
        """Writes the trace of one journey that was served degraded in `window`, if there is one."""
        folder = self._planned.folder
        address = self._system.roll().addresses.get(TRACES)
        if address is not None:
            wanted = candidates(read_journeys(folder.requests), window, tuple(self._planned.loaded.experiment.judged))
            keep_trace(folder.trace, address, wanted, self._world.get)

    def keep_served(self, window: Window, started_at: float) -> None:
        """Adds what the faulted service served in the last seconds of `window` to served.json, where nobody else keeps it.

        It is asked for while the arm runs, because a store that keeps the newest traces has forgotten the oldest in the end.
        """
        if self._world.elsewhere is None or (address := self._system.roll().addresses.get(TRACES)) is None:
            return
        service, seconds = self._planned.loaded.place.service, whole_seconds(window)[-MAX_SECONDS:]
        try:
            self._served |= ask_served(address, service, seconds, started_at, self._world.get)
        except FetchError:
            return  # What is missing is missed by whoever needs it.
        write_model(self._planned.folder.served, ServedRecord(service=service, by_second=self._served))

    def keep_journal(self, since_at: float) -> None:
        """Writes what keepers did to processes, where they do not write it into the arm's folder themselves."""
        if self._world.elsewhere is not None:
            self._planned.folder.system.journal.write_bytes(self._world.elsewhere.journal(since_at))

    def _fetch_books(self, token: str) -> Books | None:
        system, topology = self._system.roll(), self._planned.topology
        try:
            return read_books(library_of(system, topology, token, self._world.get), self._world.now)
        except FetchError:
            return None
