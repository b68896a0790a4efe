"""The map of FeastFast for tests: a slow machine must not look like a slow service."""

import re
from collections.abc import Collection, Mapping

from services.topology import default_topology_path

PATIENT, IMPATIENT = 40, 2
"""Times what the map says. Nine replicas and their customers share one thread here, and that thread may share its processor.

Patience is free where everybody answers. A call that hangs costs its test all of it, so its edge has little.
"""
_EDGE = re.compile(r"^  (\S+->\S+):\n(?: {4}.*\n)+", re.MULTILINE)
_LIMIT = re.compile(r"\b(deadline|attempt|max_wait|delay|slow_call_duration): (\d+)")
_TIMEOUT = re.compile(r"timeout: \{attempt: (\w+)\}")
_CONNECT_MS = 250
"""What stands where the map says nothing: `services.policy`'s own."""


def patient_map(hanging: Collection[str], changes: Mapping[str, str]) -> str:
    """The declared map with longer limits, but for edges over which calls hang; `changes` are replacements in it, by pattern."""

    def stretch(edge: re.Match[str]) -> str:
        times = IMPATIENT if edge[1] in hanging else PATIENT
        longer = _LIMIT.sub(lambda limit: f"{limit[1]}: {times * int(limit[2])}", edge[0])
        return _TIMEOUT.sub(rf"timeout: {{attempt: \1, connect: {times * _CONNECT_MS}ms}}", longer)

    text = _EDGE.sub(stretch, default_topology_path().read_text(encoding="utf-8"))
    for pattern, replacement in changes.items():
        text = re.sub(pattern, replacement, text)
    return text
