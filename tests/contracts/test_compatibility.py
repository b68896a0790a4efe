"""What breaks the clients of an interface, and what does not."""

import copy
from collections.abc import Callable

import pytest

from tests.contracts.compatibility import Comparison
from tests.contracts.documents import Json

LINE: Json = {
    "type": "object",
    "properties": {"dish": {"type": "integer", "minimum": 1}, "note": {"type": "string", "maxLength": 9}},
    "required": ["dish"],
}
STATE = {"type": "string", "enum": ["open", "paid"]}
BILL = {
    "type": "object",
    "properties": {
        "state": {"$ref": "#/components/schemas/State"},
        "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
        "tip": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    },
    "required": ["state", "lines"],
}
DOCUMENT: Json = {
    "paths": {
        "/bills": {
            "get": {
                "parameters": [{"in": "query", "name": "limit", "schema": {"type": "integer", "maximum": 9}}],
                "responses": {
                    "200": {
                        "headers": {"Next": {"schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Bill"}}},
                    }
                },
            },
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Sent"}}},
                },
                "responses": {"201": {"content": {}}, "404": {"content": {}}},
            },
        }
    },
    "components": {"schemas": {"Line": LINE, "Bill": BILL, "State": STATE, "Sent": copy.deepcopy(LINE)}},
}
Change = Callable[[Json], object]


def _get(document: Json) -> Json:
    return document["paths"]["/bills"]["get"]


def _post(document: Json) -> Json:
    return document["paths"]["/bills"]["post"]


def _schema(document: Json, name: str) -> Json:
    return document["components"]["schemas"][name]


def _sent(document: Json) -> Json:
    return _schema(document, "Sent")


BREAKING: list[tuple[str, Change, str]] = [
    ("a path is removed", lambda new: new["paths"].pop("/bills"), "GET /bills: is gone"),
    ("a method is removed", lambda new: new["paths"]["/bills"].pop("post"), "POST /bills: is gone"),
    ("a parameter is removed", lambda new: _get(new)["parameters"].clear(), "GET /bills: query limit is no longer read"),
    (
        "a parameter becomes required",
        lambda new: _get(new)["parameters"][0].update(required=True),
        "GET /bills: query limit has become required",
    ),
    (
        "a parameter takes less",
        lambda new: _get(new)["parameters"][0]["schema"].update(maximum=5),
        "GET /bills: query limit: maximum may be 9, not only 5",
    ),
    (
        "a required parameter is added",
        lambda new: _get(new)["parameters"].append({"in": "query", "name": "of", "required": True, "schema": {}}),
        "GET /bills: query of has become required",
    ),
    (
        "a field of an answer is removed",
        lambda new: _schema(new, "Bill")["properties"].pop("tip"),
        "GET /bills: 200.tip: is gone",
    ),
    (
        "a field of an answer may be missing",
        lambda new: _schema(new, "Bill")["required"].remove("state"),
        "GET /bills: 200.state: may be missing",
    ),
    (
        "a field of an answer has another type",
        lambda new: _schema(new, "Line")["properties"]["dish"].update(type="string"),
        "GET /bills: 200.lines[].dish: may be string, not only integer",
    ),
    (
        "an answer has a value that nobody knows",
        lambda new: _schema(new, "State")["enum"].append("lost"),
        "GET /bills: 200.state: may be 'lost', not only 'open', 'paid'",
    ),
    ("an answer has another status", lambda new: _post(new)["responses"].pop("201"), "POST /bills: no longer answers 201"),
    (
        "an answer's body is anything",
        lambda new: _get(new)["responses"]["200"]["content"]["application/json"].clear(),
        "GET /bills: 200: may be anything, not only object",
    ),
    (
        "an answer has another media type",
        lambda new: _get(new)["responses"]["200"].update(content={"text/csv": {}}),
        "GET /bills: 200: no longer of application/json",
    ),
    (
        "an answer loses a header",
        lambda new: _get(new)["responses"]["200"]["headers"].clear(),
        "GET /bills: 200: the header Next is gone",
    ),
    (
        "an optional field becomes required",
        lambda new: _sent(new)["required"].append("note"),
        "POST /bills: body.note: may be missing",
    ),
    (
        "a required field is added",
        lambda new: _sent(new).update(
            properties={**LINE["properties"], "size": {"type": "string"}},
            required=["dish", "size"],
        ),
        "POST /bills: body.size: is required now",
    ),
    ("a field is not read", lambda new: _sent(new)["properties"].pop("note"), "POST /bills: body.note: is no longer read"),
    (
        "a field takes less",
        lambda new: _sent(new)["properties"]["note"].update(maxLength=3),
        "POST /bills: body.note: maxLength may be 9, not only 3",
    ),
    (
        "an open operation wants credentials",
        lambda new: _get(new).update(security=[{"token": []}]),
        "GET /bills: must be authorised, and was open to all",
    ),
]
HARMLESS: list[tuple[str, Change]] = [
    ("a path is added", lambda new: new["paths"].update({"/tips": new["paths"]["/bills"]})),
    ("an optional parameter is added", lambda new: _get(new)["parameters"].append({"in": "query", "name": "of", "schema": {}})),
    ("an answer says more", lambda new: _schema(new, "Bill")["properties"].update(at={"type": "number"})),
    ("an answer says longer things", lambda new: _schema(new, "Line")["properties"]["note"].update(maxLength=99)),
    ("an answer has fewer values", lambda new: _schema(new, "State")["enum"].remove("paid")),
    ("a field of an answer is always there", lambda new: _schema(new, "Bill")["required"].append("tip")),
    ("a refusal is added", lambda new: _get(new)["responses"].update({"409": {"content": {}}})),
    ("a refusal is removed", lambda new: _post(new)["responses"].pop("404")),
    ("a field takes more", lambda new: _sent(new)["properties"]["note"].update(maxLength=99)),
    ("a required field becomes optional", lambda new: _sent(new).update(required=[])),
]


@pytest.mark.parametrize(("change", "told"), [case[1:] for case in BREAKING], ids=[case[0] for case in BREAKING])
def test_a_change_that_breaks_clients_is_named(change: Change, told: str) -> None:
    new = copy.deepcopy(DOCUMENT)
    change(new)
    assert told in Comparison(DOCUMENT, new).breaks()


@pytest.mark.parametrize("change", [case[1] for case in HARMLESS], ids=[case[0] for case in HARMLESS])
def test_a_change_that_breaks_nobody_is_allowed(change: Change) -> None:
    new = copy.deepcopy(DOCUMENT)
    change(new)
    assert Comparison(DOCUMENT, new).breaks() == []
