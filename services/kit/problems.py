"""What a route may answer besides success, for its OpenAPI: `responses=problems(404, 409)`."""

from http import HTTPStatus
from typing import Any

from services.kit.answers import MEDIA_TYPE, Problem
from services.kit.message import DEGRADED_HEADER
from services.policy import FallbackKind

ANYWHERE = (400, 413, 415, 422, 431, 504)
"""Unreadable, too large a body, no JSON, not what the schema says, too large a head, deadline passed on arrival."""
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"headers": {"WWW-Authenticate": {"description": "how to say who asks", "schema": {"type": "string"}}}},
    424: {
        "headers": {"Retry-After": {"description": "seconds; where it failed for want of room", "schema": {"type": "integer"}}}
    },
    429: {"headers": {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}},
}
_FASTAPIS_OWN = "application/json"

Responses = dict[int | str, dict[str, Any]]  # FastAPI's own type.


def problems(*statuses: int) -> Responses:
    """FastAPI's `responses` of a router or a route: a Problem for each of `statuses`, and for those that stand ANYWHERE."""
    return {
        status: {"model": Problem, "description": HTTPStatus(status).phrase, **_HEADERS.get(status, {})}
        for status in sorted({*ANYWHERE, *statuses})
    }


def degradable(status: int) -> Responses:
    """FastAPI's `responses` of a route whose success may have been made by a fallback."""
    kinds = {"type": "string", "enum": [kind.value for kind in FallbackKind]}
    described = "which kind of fallback made the answer, because a service behind this one did not; else missing"
    return {status: {"headers": {DEGRADED_HEADER: {"description": described, "schema": kinds}}}}


def name_media_type(document: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document with its problems under their media type. FastAPI puts every model under that of the success."""
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    for status, response in [answer for operation in operations for answer in operation["responses"].items()]:
        content = response.get("content", {})
        if int(status) >= HTTPStatus.BAD_REQUEST and _FASTAPIS_OWN in content:
            content[MEDIA_TYPE] = content.pop(_FASTAPIS_OWN)
    return document
