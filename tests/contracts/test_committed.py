"""docs/api and the code say the same, and the public contract is only ever extended."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contracts.__main__ import main
from tests.contracts.committed import PROMISED, Committed
from tests.contracts.compatibility import Comparison
from tests.contracts.documents import FOLDER, HOW, SERVICES, Json, read, text_of


@pytest.fixture(scope="module")
def committed() -> Committed:
    return Committed()


async def test_docs_api_is_what_the_code_says(committed: Committed) -> None:
    differing = sorted(await committed.differing())
    assert not differing, f"docs/api and the code differ in {', '.join(differing)}: {HOW}"


def test_every_service_has_its_document() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {*SERVICES, "events", "v1"}


def test_the_code_keeps_the_public_contract(committed: Committed) -> None:
    assert committed.breaks() == []


def test_a_document_is_written_the_same_whatever_the_order_of_its_keys() -> None:
    document = read(FOLDER / "payments.json")
    turned = json.loads(json.dumps(document), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    assert text_of(turned) == text_of(document)


def test_nothing_internal_is_promised() -> None:
    assert all(path.startswith("/v1/") for path in read(FOLDER / PROMISED)["paths"])


def test_every_operation_of_every_service_says_what_it_does() -> None:
    silent = [
        f"{service}: {method} {path}"
        for service in SERVICES
        for path, operations in read(FOLDER / f"{service}.json")["paths"].items()
        for method, operation in operations.items()
        if not operation.get("description") or not operation.get("summary")
    ]
    assert silent == []


def _add_path(promised: Json) -> None:
    promised["paths"]["/v1/vouchers"] = {"get": {"responses": {}}}


def _add_field(promised: Json) -> None:
    order = promised["components"]["schemas"]["Order"]
    order["properties"]["tip_cents"] = {"type": "integer"}


def _make_optional(promised: Json) -> None:
    promised["components"]["schemas"]["Basket"]["required"].remove("restaurant_id")


def _add_status(promised: Json) -> None:
    promised["paths"]["/v1/orders"]["post"]["responses"]["202"] = {"description": "later"}


@pytest.mark.parametrize(
    ("promise", "told"),
    [
        (_add_path, "GET /v1/vouchers: is gone"),
        (_add_field, "GET /v1/orders/{order_id}: 200.tip_cents: is gone"),
        (_make_optional, "POST /v1/orders: body.restaurant_id: may be missing"),
        (_add_status, "POST /v1/orders: no longer answers 202"),
    ],
)
def test_code_that_keeps_less_than_was_promised_is_told_what_it_breaks(promise: Callable[[Json], None], told: str) -> None:
    promised, code = copy.deepcopy(read(FOLDER / PROMISED)), read(FOLDER / PROMISED)
    promise(promised)
    assert told in Comparison(promised, code).breaks()


def test_writing_docs_anew_by_habit_overwrites_no_promise_and_names_what_the_code_breaks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    promised = read(FOLDER / PROMISED)
    _add_path(promised)
    (tmp_path / PROMISED).write_text(text_of(promised), encoding="utf-8")
    assert main(tmp_path) == 1
    assert "GET /v1/vouchers: is gone" in capsys.readouterr().err
    assert read(tmp_path / PROMISED) == promised


async def test_writing_docs_anew_makes_what_the_code_says_and_removes_what_nothing_makes(tmp_path: Path) -> None:
    (tmp_path / "forgotten.json").write_text("{}", encoding="utf-8")
    committed = Committed(tmp_path)
    assert "forgotten.json" in await committed.write()
    assert await committed.differing() == {}
