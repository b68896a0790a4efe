"""No write of a service can be cut in the middle by a caller who leaves: one that is would keep SQLite's lock."""

import ast
from pathlib import Path

import services
from services.topology import load_topology

ROOT = Path(services.__file__).parent
SERVICES = [name for name, service in load_topology().services.items() if service.database]
AT_START = {"prepare"}
"""Nobody has called yet who could leave."""


def writers(source: str) -> list[ast.AsyncFunctionDef]:
    """Functions that open a transaction to write."""
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.AsyncFunctionDef)]
    return [each for each in found if any(isinstance(node, ast.Attribute) and node.attr == "write" for node in ast.walk(each))]


def is_whole(function: ast.AsyncFunctionDef) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "whole" for each in function.decorator_list)


def test_every_transaction_of_a_service_is_whole() -> None:
    found = [
        (path.parent.name, function.name, is_whole(function))
        for name in SERVICES
        for path in (ROOT / name).glob("*.py")
        for function in writers(path.read_text(encoding="utf-8"))
        if function.name not in AT_START
    ]
    assert len(found) >= 8
    assert [(service, name) for service, name, whole in found if not whole] == []


def test_one_that_is_not_is_found() -> None:
    (function,) = writers("async def add():\n    async with self._database.write() as connection:\n        pass")
    assert not is_whole(function)
