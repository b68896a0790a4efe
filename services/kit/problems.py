"""What a route may answer besides success, for its OpenAPI: `responses=problems(404, 409)`."""

from http import HTTPStatus
from typing import Any

from services.kit.errors import MEDIA_TYPE, Problem

ANYWHERE = (400, 413, 415, 422, 431, 504)
"""Unreadable, too large a body, no JSON, not what the schema says, too large a head, deadline passed on arrival."""
_FASTAPIS_OWN = "application/json"

Responses = dict[int | str, dict[str, Any]]  # FastAPI's own type.


def problems(*statuses: int) -> Responses:
    """FastAPI's `responses` of a router or a route: a Problem for each of `statuses`, and for those that stand ANYWHERE."""
    return {status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in sorted({*ANYWHERE, *statuses})}


def name_media_type(document: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document with its problems under their media type. FastAPI puts every model under that of the success."""
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    for status, response in [answer for operation in operations for answer in operation["responses"].items()]:
        content = response.get("content", {})
        if int(status) >= HTTPStatus.BAD_REQUEST and _FASTAPIS_OWN in content:
            content[MEDIA_TYPE] = content.pop(_FASTAPIS_OWN)
    return document
