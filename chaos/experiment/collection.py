"""Reads what running services say about themselves, and keeps it in an arm's folder."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from chaos.experiment.metrics import Mark
from chaos.http_get import FetchError, Get
from chaos.invariants.audit import Audit, read_audit
from services.registry import Instance, InstanceState
from testbed.control import SystemStatus

TELEMETRY = "telemetry"
ORDERS, DELIVERIES = "orders", "deliveries"
_MAX_PARALLEL = 16


def keep_metrics(folder: Path, mark: Mark, instances: Sequence[Instance], get: Get) -> tuple[str, ...]:
    """Writes `<mark>/<service>-<replica>.txt` of every process that answers; returns who did not. Raises OSError.

    All are asked at once: samples of one mark should be of one moment, and one that is stopped should not hold up the rest.
    """
    place = folder / mark
    place.mkdir(parents=True, exist_ok=True)

    def keep(instance: Instance) -> str | None:
        try:
            body = get(f"{instance.base_url}/metrics", {})
        except FetchError:
            return instance.name
        (place / f"{instance.service}-{instance.replica}.txt").write_bytes(body)
        return None

    asked = [each for each in instances if each.state is InstanceState.UP and each.service != TELEMETRY]
    with ThreadPoolExecutor(_MAX_PARALLEL) as pool:
        return tuple(name for name in pool.map(keep, asked) if name is not None)


def fetch_audit(system: SystemStatus, token: str, get: Get) -> Audit | None:
    """Both books as they are now; None when one of the services does not answer."""
    roots = {each.service: each.base_url for each in system.instances if each.state is InstanceState.UP}
    if ORDERS not in roots or DELIVERIES not in roots:
        return None
    try:
        return read_audit(roots[ORDERS], roots[DELIVERIES], token, get)
    except FetchError:
        return None
