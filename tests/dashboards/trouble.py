"""A run in which everything happens that dashboards tell of: faults that make every pattern act, and sagas and events wait."""

import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from services.topology import default_topology_path

ACTS_S = 15
"""How long there is trouble: longer than the claim of a saga that somebody has to take over, and than the demo's windows."""
PAYING_ENDS_S = 6
"""When the trouble with payments begins, without which orders succeed and are read back."""

AT_ONCE = (
    # A replica that is killed at its work and soon started again: sagas to be taken over.
    ("kill", "orders/2", "--for", "2s"),
    # Reads that are late: hedges.
    ("slow", "orders/1", "--latency", "500ms", "--rate", "60%", "--for", f"{ACTS_S}s"),
    # A service that is away: breakers, fallbacks, events that wait, alerts.
    ("kill", "deliveries", "--for", f"{ACTS_S}s"),
)
THEN = (
    # A replica that fails and one that is slow: retries, an ejection, shed and abandoned requests, a breaker by rate.
    ("fail", "payments/2", "--for", f"{ACTS_S}s"),
    ("slow", "payments/1", "--latency", "700ms", "--rate", "50%", "--for", f"{ACTS_S}s"),
)


def topology(folder: Path) -> Path:
    """FeastFast's map, with a limit of payments that is soon reached."""
    declared = default_topology_path().read_text(encoding="utf-8")
    small, replaced = re.subn(r"limit: \{[^}]*\}", "limit: {initial_limit: 2, min_limit: 2, max_limit: 2}", declared)
    assert replaced == 1
    path = folder / "topology.yaml"
    path.write_text(small, encoding="utf-8")
    return path


def make(state: Path, otlp_endpoint: str) -> None:
    """Makes trouble, and returns while some of it lasts."""
    began_s = time.monotonic()
    _upload_garbage(otlp_endpoint)
    for fault in AT_ONCE:
        _chaos(state, *fault)
    time.sleep(max(0, began_s + PAYING_ENDS_S - time.monotonic()))
    for fault in THEN:
        _chaos(state, *fault)
    time.sleep(max(0, began_s + ACTS_S - time.monotonic()))


def _upload_garbage(otlp_endpoint: str) -> None:
    upload = Request(f"{otlp_endpoint}/v1/traces", b"garbage", {"Content-Type": "application/x-protobuf"})  # noqa: S310 - the test's own store
    with pytest.raises(HTTPError, match="400"):
        urlopen(upload, timeout=10)  # noqa: S310 - the same


def _chaos(state: Path, *words: str) -> None:
    command = [sys.executable, "-m", "chaos.cli", *words, "--state", str(state)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
