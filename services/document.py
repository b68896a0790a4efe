"""A YAML file that remembers its lines, so that what is wrong with it can be named where it stands.

Topologies and experiments are written by people. Each is read once, into frozen models, and every mistake found in it is
reported with file, line, key and what is allowed.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from services.duration import without_unit

MAX_BYTES = 1_000_000  # A hand-written file; the bound keeps a wrong path (a core dump, a device) from being read whole.
MAX_DEPTH = 32
"""Nobody nests by hand as deep as this; libyaml's composer recurses in C and crashes the process from about 20,000 levels on."""
MAX_PLACES = 20_000
"""Keys and items, aliases followed: ten lines of aliases of aliases stand for a billion of them."""

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[int | str, ...]
"""A path of keys and indices."""
_KEY_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # In C where libyaml is there: every process reads the map at its start.


class Frozen(BaseModel):
    """Base of every model read from a document: immutable, no unknown keys, durations keyed without their unit."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=without_unit, populate_by_name=True, hide_input_in_errors=True
    )


@dataclass(frozen=True)
class Mistake:
    """One thing wrong in a document: where (line 0: the file as a whole), and what would be right."""

    file: str
    line: int
    key: str
    problem: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.key}: {self.problem}" if self.key else f"{where}: {self.problem}"


class DocumentError(ValueError):
    """A document that cannot be used; `mistakes` has at least one entry."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(str(mistake) for mistake in mistakes))


@dataclass(frozen=True)
class Written:
    """Where something stands."""

    file: str
    line: int
    location: Location


@dataclass(frozen=True)
class Document:
    """Plain data of a YAML file and the line of every key in it."""

    file: str
    data: object
    lines: dict[Location, int]
    written: Mapping[Location, Written] = field(default_factory=dict)
    """Places that were written elsewhere, in what was laid over this document (services.overlay)."""

    def line_of(self, location: Location) -> int:
        """Line of the deepest part of `location` that exists in the file."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)

    def mistake(self, location: Location, problem: str) -> Mistake:
        """A mistake at `location`, a path of keys and indices; named where the deepest part of it was written."""
        for depth in range(len(location), -1, -1):
            place = self.written.get(location[:depth])
            if place is not None:
                return Mistake(place.file, place.line, _dotted((*place.location, *location[depth:])), problem)
        return Mistake(self.file, self.line_of(location), _dotted(location), problem)

    def parse(self, model: type[Model]) -> Model:
        """The document as `model`. Raises DocumentError naming every mistake."""
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            raise DocumentError([self._explain(model, dict(detail)) for detail in error.errors(include_url=False)]) from None

    def _explain(self, model: type[BaseModel], detail: dict[str, Any]) -> Mistake:
        *outer, last = detail["loc"] or ("",)
        location: Location = (*(part for part in outer if self._in_file(part)), last)
        if detail["type"] == "extra_forbidden":
            allowed = sorted(_keys_at(model, location[:-1]))
            return self.mistake(location, f"unknown key; allowed: {', '.join(allowed)}{did_you_mean(str(location[-1]), allowed)}")
        if detail["type"] == "missing":
            return self.mistake(location, "is missing")
        if detail["type"] in ("model_type", "dict_type"):
            return self.mistake(location, "must be a mapping of keys to values")
        if not self._in_file(last):  # The tag of a union again: what is wrong is the whole that stands there.
            location = location[:-1]
        return self.mistake(location, str(detail["msg"]).removeprefix("Value error, "))

    def _in_file(self, part: int | str) -> bool:
        """Drops the tags that pydantic puts into a union's location: they are no keys of the file."""
        return isinstance(part, int) or any(part in location for location in self.lines)


def read_document(path: Path, label: str | None = None) -> Document:
    """Reads YAML from `path`. Raises DocumentError for a missing, oversized, unreadable or malformed file."""
    name = label or str(path)
    return parse_document(read_text(path, name), name)


def read_text(path: Path, name: str) -> str:
    """What stands in a file that mistakes call `name`. Raises DocumentError for a missing, oversized or unreadable one."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise DocumentError([Mistake(name, 1, "", f"is larger than {MAX_BYTES} bytes")])
        return raw.decode("utf-8")
    except OSError as error:
        raise DocumentError([Mistake(name, 0, "", f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise DocumentError([Mistake(name, 1, "", "is not UTF-8 text")]) from None


def parse_document(text: str, name: str) -> Document:
    """Parses YAML `text`; `name` is how mistakes call it. Duplicate keys, which YAML libraries let pass, are refused."""
    lines: dict[Location, int] = {}
    mistakes: list[Mistake] = []
    try:
        _check_depth(text)
        data = _construct(text, name, lines, mistakes)
    except _TooMuchError as error:
        raise DocumentError([Mistake(name, error.line, "", error.problem)]) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DocumentError([Mistake(name, line, "", f"is not YAML: {error.problem}")]) from None
    except yaml.reader.ReaderError as error:
        line = text[: text.find(chr(error.character))].count("\n") + 1
        raise DocumentError([Mistake(name, line, "", f"is not YAML: character #x{error.character:04x} is not allowed")]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise DocumentError([Mistake(name, 1, "", f"is not YAML: {error}")]) from None
    if mistakes:
        raise DocumentError(mistakes)
    if not isinstance(data, dict):
        raise DocumentError([Mistake(name, 1, "", "must be a mapping of keys to values")])
    return Document(name, data, lines)


class _TooMuchError(Exception):
    """The text is YAML, but beyond a bound."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


def _check_depth(text: str) -> None:
    """Parses without composing. Raises _TooMuchError at the first bracket or indent too deep."""
    depth = 0
    for parsed in yaml.parse(text, Loader=_LOADER):
        if isinstance(parsed, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                line = parsed.start_mark.line + 1 if parsed.start_mark else 1
                raise _TooMuchError(line, f"is nested deeper than {MAX_DEPTH} levels")
        elif isinstance(parsed, yaml.CollectionEndEvent):
            depth -= 1


def _construct(text: str, name: str, lines: dict[Location, int], mistakes: list[Mistake]) -> object:
    loader = _LOADER(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _index(root, (), name, lines, mistakes)
        return None if mistakes else loader.construct_document(root)
    finally:
        loader.dispose()


def _index(node: yaml.Node, location: Location, name: str, lines: dict[Location, int], mistakes: list[Mistake]) -> None:
    if len(location) > MAX_DEPTH:  # An alias inside of what it stands for.
        raise _TooMuchError(node.start_mark.line + 1, f"is nested deeper than {MAX_DEPTH} levels")
    if len(lines) > MAX_PLACES:
        raise _TooMuchError(node.start_mark.line + 1, f"has more than {MAX_PLACES} keys and items, aliases followed")
    lines.setdefault(location, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            text = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            where: Location = (*location, text)
            line, known = key.start_mark.line + 1, where in lines
            if known or key.tag not in _KEY_TAGS:
                problem = "is given twice" if known else "a key is text; put it in quotes"
                mistakes.append(Mistake(name, line, ".".join(map(str, where)), problem))
                continue
            lines[where] = line
            _index(value, where, name, lines, mistakes)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _index(item, (*location, index), name, lines, mistakes)


def _dotted(location: Location) -> str:
    return ".".join(map(str, location))


def _keys_at(model: type[BaseModel], location: Location) -> set[str]:
    """Keys that `model` allows at `location`, following nested models through containers and optionals."""
    current: list[type[BaseModel]] = [model]
    for part in location:
        found: list[type[BaseModel]] = []
        for candidate in current:
            for name, info in candidate.model_fields.items():
                if part in (name, info.alias):
                    found += models_in(info.annotation)
        current = found or current
    return {field.alias or name for candidate in current for name, field in candidate.model_fields.items()}


def models_in(annotation: object) -> list[type[BaseModel]]:
    """The models that a field's annotation holds, through containers and optionals."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in models_in(argument)]


def did_you_mean(word: str, allowed: Iterable[str]) -> str:
    """` (did you mean payments?)` when one of `allowed` is close to what somebody wrote, else empty."""
    close = difflib.get_close_matches(word, list(allowed), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
