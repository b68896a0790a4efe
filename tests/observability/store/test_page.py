from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.observability.store.conftest import Client


@pytest.mark.parametrize("path", ["/", "/search?service=orders", "/trace/0af7651916cd43dd8448eb211c80319c"])
async def test_the_page_is_served_where_jaegers_page_has_its_views(client: Client, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"<title>Firebreak traces</title>" in answer.body


async def test_the_page_loads_nothing_from_elsewhere(client: Client) -> None:
    page = (await client.get("/")).body.decode()
    fetched = re.findall(r"(?:src|href)=[\"']?(?!data:|/)([^\"'\s>]+)|url\(([^)]+)\)|@import", page.partition("<script>")[0])
    assert fetched == []


async def test_only_the_pages_own_style_and_script_may_run(client: Client) -> None:
    answer = await client.get("/")
    policy, page = answer.headers["content-security-policy"], answer.body.decode()
    assert policy.startswith("default-src 'none'; connect-src 'self';")
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (inside,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
