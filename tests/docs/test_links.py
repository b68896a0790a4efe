"""Every link of the documentation leads somewhere."""

from pathlib import Path

import pytest

from tests.docs.pages import HOW_TO, PAGES, ROOT, anchors_of, links_of


def dead(page: Path) -> list[str]:
    """Links of a page to files that are not there, or to headings that their page does not have."""
    found = []
    for link in links_of(page):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        missing = not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors_of(target))
        found += [link] if missing else []
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert dead(page) == []


def test_a_link_to_nothing_and_one_to_no_heading_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One `thing`, and two\n[a](#one-thing-and-two) [b](#three) [c](gone.md) [d](page.md#one-thing-and-two)\n")
    assert dead(page) == ["#three", "gone.md"]


def test_the_list_of_how_to_pages_is_whole() -> None:
    linked = {link for link in links_of(HOW_TO / "README.md") if "/" not in link and link.endswith(".md")}
    assert linked == {page.name for page in HOW_TO.glob("*.md")} - {"README.md"}
