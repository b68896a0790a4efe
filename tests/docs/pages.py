"""The documentation as tests read it: pages, their headings, links, fenced blocks and command lines."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
HOW_TO = DOCS / "how-to"
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md")))

_FENCE = re.compile(r"^( *)```(\w*)(?: file=(\S+))?[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:srcset|src|href)=\"([^\"]+)\"")
_ANCHOR = re.compile(r"<a id=\"([^\"]+)\"")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*=")


@dataclass(frozen=True)
class Block:
    """A fenced block; `file` is what it is to be written to, or a change of, where the page says so behind its language."""

    page: Path
    line: int
    language: str
    file: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}".removeprefix(f"{ROOT}/")


@dataclass(frozen=True)
class CommandLine:
    """What a page tells its reader to type, without variables before it."""

    block: Block
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.block}: {shlex.join(self.words)}"


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, found.start()) + 1, found[2], found[3] or "", dedent(found[4]))
        for found in _FENCE.finditer(text)
    ]


def links_of(page: Path) -> list[str]:
    """Targets of links and pictures, outside of fenced blocks."""
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return [found[1] or found[2] for found in _LINK.finditer(prose)]


def anchors_of(page: Path) -> set[str]:
    """What a link to the page may have behind its #, as GitHub makes it of headings."""
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", found[1]) for found in _HEADING.finditer(prose))
    slugs = {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in plain}
    return slugs | {found[1] for found in _ANCHOR.finditer(prose)}


def commands_of(page: Path) -> Iterator[CommandLine]:
    """Every command in the page's shell blocks; of a console only what stands behind its prompt."""
    for block in blocks_of(page):
        if block.language not in ("sh", "console"):
            continue
        for line in block.text.replace("\\\n", " ").splitlines():
            if block.language == "console" and not line.startswith("$ "):
                continue
            words = _words(line.removeprefix("$ "))
            if words:
                yield CommandLine(block, words)


def _words(line: str) -> tuple[str, ...]:
    """The first command of a line: up to a pipe, `&&` or redirection, which a shell has to make sense of."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return ()  # A quotation that goes on over lines is a document for a program, no command of ours.
    end = next((n for n, word in enumerate(words) if word in ("|", "&&", "&", ";", ">", "||") or word.startswith("<<")), None)
    words = words[:end]
    while words and _VARIABLE.match(words[0]):
        words.pop(0)
    return tuple(words)
