"""A service's routes, asked as other services ask them, without a server or a socket in between."""

import json

from fastapi import APIRouter, FastAPI

from services.kit.answers import install_error_mapping
from services.kit.app import MAX_BODY_BYTES
from services.kit.body_limit import BodyLimitMiddleware
from services.kit.internal import INTERNAL_TOKEN_HEADER
from services.kit.settings import Settings
from tests.services.asgi import Answer, ask

TOKEN = "internal-token-of-tests"


def application(service: object, *routers: APIRouter) -> FastAPI:
    """The routes of `routers` over `service`, with the errors and the limit of bodies that every service has."""
    app = FastAPI()
    app.state.service = service
    app.state.settings = Settings(service="notifications", internal_token=TOKEN)
    install_error_mapping(app)
    for router in routers:
        app.include_router(router)
    app.add_middleware(BodyLimitMiddleware, max_bytes=MAX_BODY_BYTES)
    return app


class Routes:
    """An application, asked by a service of its run."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def ask(self, method: str, path: str, body: object = None, token: str = TOKEN) -> Answer:
        """`body` is sent as JSON, or as it is when it is bytes."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {INTERNAL_TOKEN_HEADER: token, "Content-Type": "application/json", "Content-Length": str(len(content))}
        return await ask(self._app, path, sent, method, body=content)

    async def rows(self, path: str, limit: int = 500) -> list[dict[str, object]]:
        """All rows of an audit, page by page."""
        rows: list[dict[str, object]] = []
        after = ""
        while True:
            page = (await self.ask("GET", f"{path}?limit={limit}&after={after}")).json
            rows += page["rows"]
            if page["next"] is None:
                return rows
            after = page["next"]


def is_problem(answer: Answer, *statuses: int) -> bool:
    """Whether it is a documented refusal with one of `statuses`."""
    named = answer.headers["content-type"] == "application/problem+json"
    return named and answer.status in statuses and answer.json["status"] == answer.status and bool(answer.json["detail"])
