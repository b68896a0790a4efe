"""compose.yaml and .env.example as text and as YAML, for tests that need no engine."""

import re
from pathlib import Path
from typing import Any, Final

import yaml

from testbed.compose.env_file import EnvFile

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "compose.yaml").read_text(encoding="utf-8")
DOCUMENT: Final[dict[str, Any]] = yaml.safe_load(TEXT)
SERVICES: Final[dict[str, dict[str, Any]]] = DOCUMENT["services"]
EXAMPLE: Final = EnvFile.read(ROOT / ".env.example")
SECRETS: Final = {name for name, value in EXAMPLE.values.items() if not value}
REPLICAS: Final = {name: each for name, each in SERVICES.items() if "firebreak.service" in (each.get("labels") or {})}
_SIZES: Final = {"k": 2**10, "m": 2**20, "g": 2**30}
_VARIABLE: Final = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


def size(text: str) -> int:
    """Bytes of a size such as `112m`."""
    return int(text[:-1]) * _SIZES[text[-1]]


def memory(name: str) -> int:
    """Bytes that each container of a service may take."""
    return size(SERVICES[name]["mem_limit"])


def variables() -> dict[str, set[tuple[str, str]]]:
    """Every variable of the file, with what each use says for a missing one: `-` and a default, or `?` and a sentence."""
    found: dict[str, set[tuple[str, str]]] = {}
    for match in _VARIABLE.finditer(TEXT):
        found.setdefault(match["name"], set()).add((match["kind"] or "", match["rest"] or ""))
    return found


def mounts(name: str) -> dict[str, Path]:
    """Files and folders of this checkout that a service sees, by their paths inside."""
    found = {}
    for each in SERVICES[name].get("volumes", []):
        if isinstance(each, dict):
            found[each["target"]] = ROOT / each["source"]
            continue
        source, target = _VARIABLE.sub(lambda match: match["rest"] or "", each).split(":")[:2]
        if source.startswith("."):
            found[target] = ROOT / source
    return found
