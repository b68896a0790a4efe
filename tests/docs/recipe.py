"""A page's recipe: its blocks that name a file are followed in a copy of the project, as its reader would.

A block whose language is `diff` changes the file: its lines without `+` must stand there exactly once, and are replaced by those
without `-`. Any other block is the whole file.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import ROOT, Block

_PACKAGES = ("services", "observability", "chaos", "loadtests", "testbed", "tests", "docs")
_FILES = ("pyproject.toml", "compose.yaml", ".env.example")
_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Clone:
    """A copy of the project that may be changed."""

    root: Path

    @classmethod
    def of_project(cls, root: Path) -> "Clone":
        for package in _PACKAGES:
            shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__", "images"))
        for file in _FILES:
            shutil.copy(ROOT / file, root)
        return cls(root)

    def follow(self, blocks: Iterable[Block]) -> None:
        """Does what the blocks say. Raises AssertionError, with the page and line, where a change does not fit any more."""
        for block in blocks:
            path = self.root / block.file
            if block.language == "diff":
                before, after = halves_of(block.text)
                text = path.read_text(encoding="utf-8")
                assert text.count(before) == 1, f"{block}: stands {text.count(before)} times in {block.file}:\n{before}"
                path.write_text(text.replace(before, after), encoding="utf-8")
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, encoding="utf-8")

    def run(self, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Runs `python -m ...` on the copy's code."""
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.root,
            env=os.environ | {"PYTHONPATH": str(self.root)} | (environment or {}),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )


def halves_of(diff: str) -> tuple[str, str]:
    """What a change replaces, and by what."""
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] if line[:1] in "- " else line for line in lines if line[:1] != "+")
    after = "".join(line[1:] if line[:1] in "+ " else line for line in lines if line[:1] != "-")
    return before, after
