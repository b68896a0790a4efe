"""OpenAPI of every service as its code has it, and where the committed copies are."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from services.kit.settings import Settings
from services.topology import load_topology

Json = Any
"""What `json.loads` returns."""
FOLDER = Path(__file__).resolve().parents[2] / "docs" / "api"
SERVICES = tuple(load_topology().services)
PUBLIC = "gateway"
PUBLIC_PREFIX = "/v1/"
HOW = "run `make api`, read what it changes, and commit it"


def text_of(document: Json) -> str:
    """A document as it is committed: the same for the same content, and a change is a change of few lines."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read(path: Path) -> Json:
    """A committed document."""
    return json.loads(path.read_text(encoding="utf-8"))


def openapi_of(service: str) -> Json:
    """What the code of `service` says of itself."""
    module = import_module(load_topology().services[service].module)
    settings = Settings(service=service, signing_key="signing-key-of-tests-32-characters")
    return module.create_app(settings).openapi()


def public_part(document: Json) -> Json:
    """What of the entry's document is promised to strangers: its versioned paths and what they refer to."""
    paths = {path: operations for path, operations in document["paths"].items() if path.startswith(PUBLIC_PREFIX)}
    return {
        "openapi": document["openapi"],
        "info": document["info"],
        "paths": paths,
        "components": {
            "schemas": _referred(paths, document["components"]["schemas"]),
            "securitySchemes": document["components"].get("securitySchemes", {}),
        },
    }


def _referred(paths: Json, schemas: Json) -> Json:
    wanted, found = _names_in(paths), {}
    while wanted:
        name = wanted.pop()
        found[name] = schemas[name]
        wanted |= _names_in(schemas[name]) - found.keys()
    return found


def _names_in(value: Json) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_names_in, value))
    if not isinstance(value, dict):
        return set()
    names = set().union(*map(_names_in, value.values()))
    return names | ({value["$ref"].rpartition("/")[2]} if isinstance(value.get("$ref"), str) else set())
