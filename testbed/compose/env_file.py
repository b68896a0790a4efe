"""The stack's `.env`: random secrets and choices, made once from `.env.example`, and completed but never changed afterwards.

Compose reads it (docs.docker.com/compose/how-tos/environment-variables): a line is `NAME=value`, and of two with one name the
last one counts.
"""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

MIN_SECRET_CHARS: Final = 16
_DRAWN_BYTES: Final = 24
_MIN_DIFFERENT: Final = 6
_LINE: Final = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<value>.*?)\s*$")
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]*")
"""Some stand in the addresses of databases, where other characters would mean something."""
_MODE: Final = 0o600


@dataclass(frozen=True)
class EnvFile:
    """The text of an `.env`.

    Attributes:
        text: Every line of it.
    """

    text: str = ""

    @classmethod
    def read(cls, path: Path) -> Self:
        """What is there; nothing when there is no such file. Raises OSError."""
        try:
            return cls(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls()

    @property
    def values(self) -> dict[str, str]:
        """Every variable, without the quotes around its value."""
        found = (_LINE.match(line) for line in self.text.splitlines() if not line.lstrip().startswith("#"))
        return {match["name"]: _unquoted(match["value"]) for match in found if match}

    def completed(self, example: "EnvFile") -> "EnvFile":
        """With what only the example has, its empty values being secrets that are drawn now."""
        if not self.text.strip():
            _about_the_example, _blank, lines = example.text.partition("\n\n")
            drawn = [f"{line}{draw_secret()}" if _is_open(line) else line for line in lines.splitlines()]
            return EnvFile("\n".join([_HEADER, "", *drawn]) + "\n")
        missing = {name: value for name, value in example.values.items() if name not in self.values}
        if not missing:
            return self
        added = [f"{name}={value or draw_secret()}" for name, value in missing.items()]
        return EnvFile("\n".join([self.text.rstrip("\n"), *added]) + "\n")

    def choosing(self, choices: Mapping[str, str]) -> "EnvFile":
        """With other values of some variables, which are choices of whoever calls and no secrets."""
        lines = self.text.splitlines()
        for name, value in choices.items():
            if self.values.get(name) != value:
                lines = [line for line in lines if not ((match := _LINE.match(line)) and match["name"] == name)]
                lines.append(f"{name}={value}")
        return EnvFile("\n".join(lines) + "\n") if lines else self

    def weaknesses(self, example: "EnvFile") -> list[str]:
        """A sentence for each secret that is none."""
        wanted = [name for name, value in example.values.items() if not value]
        return [f"{name} in .env {problem}" for name in wanted if (problem := _weakness(self.values.get(name, "")))]

    def write(self, path: Path) -> None:
        """Replaces the file at once, readable by its owner alone. Raises OSError, leaving what was there."""
        temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(self.text)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def draw_secret() -> str:
    """A new one."""
    return secrets.token_urlsafe(_DRAWN_BYTES)


_HEADER: Final = "# Made by `make up` from .env.example: secrets, for you alone. A line that you change stays as you wrote it."


def _is_open(line: str) -> bool:
    match = None if line.lstrip().startswith("#") else _LINE.match(line)
    return match is not None and not match["value"]


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return re.sub(r"\s+#.*$", "", value)


def _weakness(value: str) -> str:
    if not value:
        return "is empty"
    if len(value) < MIN_SECRET_CHARS:
        return f"has {len(value)} characters, and a secret has {MIN_SECRET_CHARS} at least"
    if not _SECRET.fullmatch(value):
        return "has other characters than letters, digits, - and _, which the address of a database could not hold"
    if len(set(value)) < _MIN_DIFFERENT:
        return "repeats the same few characters, which is guessed soon"
    return ""
