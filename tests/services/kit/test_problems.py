"""The document of an application says which problems a route may answer, under their own media type."""

from __future__ import annotations

from fastapi import APIRouter

from services.kit.app import create_service
from services.kit.kit import Kit
from services.kit.problems import ANYWHERE, degradable, problems
from services.kit.settings import Settings


def document(router: APIRouter) -> dict[str, dict[str, object]]:
    """The answers of GET /do, by status."""

    def start(_kit: Kit) -> None: ...

    app = create_service(Settings(service="gateway"), [router], start)  # type: ignore[arg-type]  # nothing is started
    responses: dict[str, dict[str, object]] = app.openapi()["paths"]["/do"]["get"]["responses"]
    return responses


def routed(*statuses: int) -> APIRouter:
    router = APIRouter(responses=problems(403))

    @router.get("/do", responses=problems(*statuses))
    async def do(times: int = 1) -> int:
        return times

    return router


def test_a_route_has_its_own_problems_its_routers_and_those_of_every_route() -> None:
    assert set(document(routed(404, 409))) == {"200", "403", "404", "409", *map(str, ANYWHERE)}


def test_a_problem_has_its_schema_under_its_own_media_type_and_a_success_under_json() -> None:
    responses = document(routed(404))
    assert responses["404"]["description"] == "Not Found"
    assert responses["404"]["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert responses["422"]["content"] == responses["404"]["content"]
    assert list(responses["200"]["content"]) == ["application/json"]  # type: ignore[call-overload]


def test_a_problem_that_says_more_in_a_header_documents_it() -> None:
    responses = document(routed(401, 429))
    assert list(responses["401"]["headers"]) == ["WWW-Authenticate"]  # type: ignore[call-overload]
    assert list(responses["429"]["headers"]) == ["Retry-After"]  # type: ignore[call-overload]


def test_an_answer_that_may_be_degraded_documents_its_mark_beside_its_body() -> None:
    router = APIRouter()

    @router.get("/do", responses=degradable(200))
    async def do() -> int:
        return 1

    (success,) = (answer for status, answer in document(router).items() if status == "200")
    assert list(success["headers"]) == ["Degraded"]  # type: ignore[call-overload]
    assert list(success["content"]) == ["application/json"]  # type: ignore[call-overload]
