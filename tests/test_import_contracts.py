"""The import contracts of pyproject.toml speak of every service of the map: one that they do not know, they hold to nothing."""

import tomllib
from pathlib import Path

from services.topology import load_topology

ROOT = Path(__file__).resolve().parents[1]
SERVICES = {f"services.{name}" for name in load_topology().services}


def missing_in(contracts: list[dict[str, object]]) -> dict[str, set[str]]:
    """Services that a list of a contract leaves out though it has others, by the contract's name."""
    found: dict[str, set[str]] = {}
    for contract in contracts:
        for key in ("modules", "source_modules", "forbidden_modules", "layers"):
            named = _modules(contract.get(key))
            if named & SERVICES and SERVICES - named:
                found[str(contract["name"])] = SERVICES - named
    return found


def _modules(names: object) -> set[str]:
    """Those of a list; a layer has several, without the package that contains them all."""
    if not isinstance(names, list):
        return set()
    parts = (part.strip() for name in names for part in str(name).split("|"))
    return {part if "." in part else f"services.{part}" for part in parts}


def test_every_import_contract_on_services_names_all_of_them() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    assert missing_in(contracts) == {}


def test_a_contract_that_leaves_a_service_out_is_found() -> None:
    contract: dict[str, object] = {"name": "apart", "modules": sorted(SERVICES - {"services.orders"})}
    assert missing_in([contract]) == {"apart": {"services.orders"}}
    layers: dict[str, object] = {"name": "above", "layers": ["gateway | users", "kit"]}
    assert missing_in([layers])["above"] >= {"services.orders", "services.payments"}
