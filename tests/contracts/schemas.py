"""Whether every value that one JSON schema admits is admitted by another: what is not is named, with its place.

For the schemas that pydantic makes of our models; anything else that a schema says is not looked at.
"""

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from tests.contracts.documents import Json

_AT_MOST = ("maximum", "maxLength", "maxItems", "exclusiveMaximum")
_AT_LEAST = ("minimum", "minLength", "minItems", "exclusiveMinimum")


class Way(Enum):
    """What happens to the values. A reader ignores fields that it does not know; a sender whose field is ignored is deceived."""

    SENT = auto()
    READ = auto()


@dataclass(frozen=True)
class Fit:
    """Compares schemas of two documents.

    Attributes:
        given: The document of those who write the values.
        wanted: The document of those who take them.
        way: What is done with them. Of values that are read, sizes and patterns are not compared: readers seldom mind.
    """

    given: Json
    wanted: Json
    way: Way

    def misfits(self, given: Json, wanted: Json, where: str) -> Iterator[str]:
        """Names how a value of the schema `given` may be no value of the schema `wanted`."""
        given, wanted = _resolved(self.given, given), _resolved(self.wanted, wanted)
        branches, choices = _branches(given), _branches(wanted)
        if len(branches) > 1:
            for branch in branches:
                yield from self.misfits(branch, wanted, where)
        elif len(choices) > 1:
            yield from min((list(self.misfits(branches[0], choice, where)) for choice in choices), key=len)
        elif branches[0] is not given or choices[0] is not wanted:
            yield from self.misfits(branches[0], choices[0], where)
        else:
            yield from self._plain(given, wanted, where)

    def _plain(self, given: Json, wanted: Json, where: str) -> Iterator[str]:
        kind = given.get("type", "anything")
        if "type" in wanted and kind != wanted["type"] and (kind, wanted["type"]) != ("integer", "number"):
            yield f"{where}: may be {kind}, not only {wanted['type']}"
            return
        yield from _strange_values(given, wanted, where)
        if self.way is Way.SENT:
            yield from _wider_bounds(given, wanted, where)
        if wanted.get("type") == "array":
            yield from self._items(given, wanted, where)
        if wanted.get("type") == "object":
            yield from self._fields(given, wanted, where)

    def _items(self, given: Json, wanted: Json, where: str) -> Iterator[str]:
        if "items" in wanted:
            yield from self.misfits(given.get("items", {}), wanted["items"], f"{where}[]")
        for number, (mine, theirs) in enumerate(zip(given.get("prefixItems", ()), wanted.get("prefixItems", ()), strict=False)):
            yield from self.misfits(mine, theirs, f"{where}[{number}]")

    def _fields(self, given: Json, wanted: Json, where: str) -> Iterator[str]:
        written, taken = given.get("properties", {}), wanted.get("properties", {})
        for name in taken:
            required = name in wanted.get("required", ()) and name not in given.get("required", ())
            if name not in written and (required or self.way is Way.READ):
                yield f"{where}.{name}: is {'gone' if self.way is Way.READ else 'required now'}"
            elif required:
                yield f"{where}.{name}: may be missing"
        for name in written:
            if name in taken:
                yield from self.misfits(written[name], taken[name], f"{where}.{name}")
            elif self.way is Way.SENT:
                yield f"{where}.{name}: is no longer read"


def _strange_values(given: Json, wanted: Json, where: str) -> Iterator[str]:
    allowed, found = _values(wanted), _values(given)
    if allowed is not None:
        strange = ["anything"] if found is None else [repr(value) for value in found if value not in allowed]
        if strange:
            yield f"{where}: may be {', '.join(strange)}, not only {', '.join(map(repr, allowed))}"


def _wider_bounds(given: Json, wanted: Json, where: str) -> Iterator[str]:
    for names, exceeds in ((_AT_MOST, operator.gt), (_AT_LEAST, operator.lt)):
        for name in names:
            if name in wanted and (name not in given or exceeds(given[name], wanted[name])):
                yield f"{where}: {name} may be {given.get(name, 'anything')}, not only {wanted[name]}"
    if wanted.get("pattern") not in (None, given.get("pattern")) and _values(given) is None:
        yield f"{where}: the pattern may be {given.get('pattern', 'any')}, not only {wanted['pattern']}"


def _resolved(document: Json, schema: Json) -> Json:
    while "$ref" in schema:
        found = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def _branches(schema: Json) -> list[Json]:
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return list(schema[word])
    return [schema]


def _values(schema: Json) -> list[Json] | None:
    if "const" in schema:
        return [schema["const"]]
    values: list[Json] | None = schema.get("enum")
    return values
