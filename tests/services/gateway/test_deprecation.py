"""A route that will go says so in each of its answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from services.gateway import main
from services.gateway.deprecation import DEPRECATED, Deprecation
from services.kit.settings import Settings
from tests.services.asgi import ask

if TYPE_CHECKING:
    from tests.services.gateway.conftest import Door

GUIDE = "https://feastfast.example/moving"
SINCE, SUNSET = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 5, 1, 12, tzinfo=UTC)
ROUTE = ("GET", "/v1/restaurants/{restaurant_id}/menu")


async def headers(monkeypatch: pytest.MonkeyPatch, deprecation: Deprecation, method: str, path: str) -> dict[str, str]:
    """What a gateway answers that has one deprecated route, and no service behind it."""
    monkeypatch.setattr(main, "DEPRECATED", {ROUTE: deprecation})
    app = main.create_app(Settings(service="gateway", signing_key="signing-key-of-tests-32-characters"))
    async with app.router.lifespan_context(app):
        answer = await ask(app, path, method=method)
    assert answer.status >= 400
    return {name: value for name, value in answer.headers.items() if name in ("deprecation", "sunset", "link")}


async def test_an_answer_says_since_when_until_when_and_what_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await headers(monkeypatch, Deprecation(SINCE, GUIDE, SUNSET), "GET", "/v1/restaurants/0/menu") == {
        "deprecation": "@1793491200",
        "sunset": "Sat, 01 May 2027 12:00:00 GMT",
        "link": f'<{GUIDE}>; rel="deprecation"; type="text/html"',
    }


async def test_a_route_whose_end_is_not_decided_promises_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "sunset" not in await headers(monkeypatch, Deprecation(SINCE, GUIDE), "GET", "/v1/restaurants/0/menu")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/restaurants"), ("POST", "/v1/restaurants/7/menu"), ("GET", "/nowhere")]
)
async def test_other_routes_say_nothing(monkeypatch: pytest.MonkeyPatch, method: str, path: str) -> None:
    if path == "/v1/restaurants":
        path += "?limit=0"
    assert await headers(monkeypatch, Deprecation(SINCE, GUIDE, SUNSET), method, path) == {}


def test_every_deprecated_route_is_one(door: Door) -> None:
    routes = {(method.upper(), path) for path, methods in door.document["paths"].items() for method in methods}
    assert set(DEPRECATED) <= routes
    assert ROUTE in routes
