"""The one mapping of what went wrong to an answer (RFC 9457, `application/problem+json`)."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from opentelemetry import trace
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from observability import request_id
from services.kit.errors import ServiceError

MEDIA_TYPE = "application/problem+json"
REQUEST_ID_HEADER = "X-Request-Id"
_MAX_DETAIL = 500


class Problem(BaseModel):
    """The body of every answer that is no success (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    trace_id: str


def problem_response(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An answer in problem+json that carries the current trace id."""
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Error"
    trace_id = f"{trace.get_current_span().get_span_context().trace_id:032x}"
    shown = detail[:_MAX_DETAIL].encode(errors="replace").decode()  # A lone surrogate of somebody's input is no UTF-8.
    problem = Problem(title=title, status=status, detail=shown, trace_id=trace_id)
    return JSONResponse(problem.model_dump(), status, headers, MEDIA_TYPE)


def install_error_mapping(app: FastAPI) -> None:
    """Makes `app` answer every failure with a problem; what is not foreseen becomes a 500 without internals."""
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unforeseen)


async def _service_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ServiceError)  # noqa: S101 - Starlette's handler type is wider than what it dispatches.
    return problem_response(error.status, error.detail, error.headers)


async def _validation_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above.
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return problem_response(HTTPStatus.UNPROCESSABLE_ENTITY, f"{where}: {first['msg']}")


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above.
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers |= _allowed(request)
    return problem_response(error.status_code, str(error.detail), headers)


def _allowed(request: Request) -> dict[str, str]:
    """All methods of the path (RFC 9110 wants them in every 405). The framework names those of its first route alone."""
    path = getattr(request.scope.get("route"), "path", "")
    methods = request.app.openapi()["paths"].get(path, {})
    return {"Allow": ", ".join(sorted(method.upper() for method in methods))} if methods else {}


async def _unforeseen(_request: Request, _error: Exception) -> JSONResponse:
    # The framework answers this one outside of all middleware, so what they add to an answer is added here.
    named = {REQUEST_ID_HEADER: request_id.current.get()} if request_id.current.get() else None
    return problem_response(HTTPStatus.INTERNAL_SERVER_ERROR, "an unforeseen error; the trace id leads to its log", named)
