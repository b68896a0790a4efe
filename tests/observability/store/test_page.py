"""What the page is made of. What it does in a browser is in test_page_in_browser.py."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.observability.store.conftest import Client

PARTS = {
    part.name: part.read_text(encoding="utf-8") for part in files("observability.store.page_parts").iterdir() if "." in part.name
}
SCRIPTS = sorted(name for name in PARTS if name.endswith(".js"))
VIEWS = ["/", "/search?service=orders", "/trace/0af7651916cd43dd8448eb211c80319c", "/dependencies", "/logs?level=error"]


@pytest.mark.parametrize("path", VIEWS)
async def test_the_page_is_served_where_jaegers_page_has_its_views(client: Client, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"<title>Firebreak traces</title>" in answer.body


async def test_whatever_the_page_loads_is_served_by_the_store_itself(client: Client) -> None:
    page = (await client.get("/")).body.decode()
    addresses = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    assert {address.rpartition("/")[2] for address in addresses} == {"page.css", *SCRIPTS}
    for address in addresses:
        answer = await client.get(address)
        assert answer.status == 200
        assert answer.headers["content-type"] in ("text/css; charset=utf-8", "text/javascript; charset=utf-8")
        assert "immutable" in answer.headers["cache-control"]


async def test_a_part_of_an_earlier_version_is_not_kept_by_the_browser(client: Client) -> None:
    answer = await client.get("/assets/0123456789abcdef/main.js")
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize("path", ["/assets/0/page.html", "/assets/0/__init__.py", "/assets/0/..%2fpage.py", "/assets/0/"])
async def test_nothing_else_is_served(client: Client, path: str) -> None:
    assert (await client.get(path)).status == 404


async def test_the_policy_lets_nothing_run_but_the_pages_own_files(client: Client) -> None:
    answer = await client.get("/")
    directives = dict(each.strip().split(" ", 1) for each in answer.headers["content-security-policy"].split(";"))
    assert directives["default-src"] == "'none'"
    assert (directives["script-src"], directives["style-src"], directives["connect-src"]) == ("'self'", "'self'", "'self'")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert (directives["require-trusted-types-for"], directives["trusted-types"]) == ("'script'", "'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", sorted(PARTS))
def test_no_part_names_an_address_of_anybody_else(name: str) -> None:
    namespaces = {"http://www.w3.org/2000/svg"}  # A name, which nobody fetches.
    assert set(re.findall(r"""(?:https?:)?//[\w-]+(?:\.[\w-]+)+[^\s"'`)]*""", PARTS[name])) <= namespaces


def test_no_part_has_a_handler_a_style_or_a_script_inside_of_the_document() -> None:
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|javascript:", PARTS["page.html"])


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_makes_elements_or_code_of_text(name: str) -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser", PARTS[name])


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_imports_what_there_is(name: str) -> None:
    imported = re.findall(r'^import \{ ([^}]+) \} from "\./([\w.]+)";$', PARTS[name], re.MULTILINE)
    assert len(imported) == len(re.findall(r"^import", PARTS[name], re.MULTILINE)), "an import of another form"
    for named, source in imported:
        for each in named.split(", "):
            assert re.search(rf"^export (?:async )?(?:function|class|const) {each}\b", PARTS[source], re.MULTILINE), (
                f"{each} of {source}"
            )


def test_every_script_is_imported_by_another_but_for_the_first() -> None:
    imported = set(re.findall(r'from "\./([\w.]+)"', "".join(PARTS[name] for name in SCRIPTS)))
    assert imported == {*SCRIPTS} - {"main.js"}
