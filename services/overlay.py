"""A part of one document laid over another: what an experiment changes in the map, with every line still known.

Merged deeply. `null` removes a key; a list is replaced whole, and so is a mapping whose `kind` becomes another one, since
the keys of one kind mean nothing to another.
"""

from typing import Final

from services.document import Document, Location, Written

_UNNAMED: Final = ("consecutive", "gradient2")
"""Kinds (of a breaker, of a limit) that need not be named: what names none is of the one that it can be."""


def overlay(base: Document, change: Document, at: Location) -> Document:
    """`base` with what stands at `at` of `change` merged in, as a document of its own; neither is changed.

    `base` was without a mistake before, so that one that is found in the result is named where the change was written: file,
    line and key of `change`.
    """
    lines, written = dict(base.lines), dict(base.written)
    for location, line in change.lines.items():
        if location[: len(at)] == at:
            lines.setdefault(location[len(at) :], line)
            written[location[len(at) :]] = Written(change.file, line, location)
    return Document(base.file, _merge(base.data, _at(change, at)), lines, written)


def _at(document: Document, location: Location) -> object:
    found = document.data
    for part in location:
        found = found[part] if isinstance(found, dict) else None
    return found


def _merge(base: object, change: object) -> object:
    if not (isinstance(base, dict) and isinstance(change, dict)):
        return change
    if _is_another_kind(base, change):
        return change
    merged = dict(base)
    for key, value in change.items():
        if value is None and key in base:
            del merged[key]
        else:  # A null that removes nothing stays, so that the model can say whether there is such a key.
            merged[key] = _merge(base.get(key), value)
    return merged


def _is_another_kind(base: dict[object, object], change: dict[object, object]) -> bool:
    if "kind" not in change:
        return False
    return change["kind"] != base["kind"] if "kind" in base else change["kind"] not in _UNNAMED
