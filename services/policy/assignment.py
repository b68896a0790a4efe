"""Parameters as people write them, `retry.max_attempts=5`, against the models that they belong to."""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from services.document import Frozen, did_you_mean, models_in
from services.policy.admission import Limit
from services.policy.edge import EdgePolicy

MAX_ASSIGNMENTS = 64
"""More than all parameters of all patterns."""
MAX_LENGTH = 200
"""Of a key, and of a value; the longest of them is a list of statuses."""
_KIND = "kind"
_FACT = "repeatable"
_LIMIT = "limit"


class ServicePolicy(Frozen):
    """What protects a service from all of its callers; None is off."""

    limit: Limit | None = None


Policy = TypeVar("Policy", EdgePolicy, ServicePolicy)


def parse_assignments(texts: Iterable[str]) -> dict[str, str]:
    """`retry.max_attempts=5` and its like as values by key. Raises ValueError."""
    values: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise ValueError(f"{text!r} is no assignment; write PATTERN.PARAMETER=VALUE, such as retry.max_attempts=5")
        if max(len(key), len(value)) > MAX_LENGTH:
            raise ValueError(f"{text[:MAX_LENGTH]!r}... is longer than any key or value ({MAX_LENGTH} characters)")
        if key.strip() in values:
            raise ValueError(f"{key.strip()} is given twice")
        values[key.strip()] = value.strip()
    if len(values) > MAX_ASSIGNMENTS:
        raise ValueError(f"{len(values)} assignments are more than there are parameters ({MAX_ASSIGNMENTS} at most)")
    return values


def parameters(policy: EdgePolicy | ServicePolicy) -> dict[str, str]:
    """Every parameter in force, spelled as it would be assigned: `{"retry.max_attempts": "2", "deadline": "1s"}`."""
    flat: dict[str, str] = {}
    for key, value in _document(policy).items():
        if isinstance(value, dict):
            flat |= {f"{key}.{parameter}": _spell(each) for parameter, each in value.items()}
        else:
            flat[key] = _spell(value)
    return flat


def assign(policy: Policy, values: Mapping[str, str]) -> Policy:
    """`policy` with these parameters changed together; a pattern that was off is switched on with the defaults of the rest.

    Another `kind` of breaker or fallback begins with that kind's defaults.

    Raises:
        ValueError: A key or value is not allowed, or no such policy is possible; the text says what would be.
    """
    document = _partly_as_document(policy, {key.partition(".")[0] for key in values})
    for key in values:  # Kinds first, since they decide what else is allowed.
        if key.endswith(f".{_KIND}"):
            _change_kind(document, key.removesuffix(f".{_KIND}"), values[key])
    for key, text in values.items():
        pattern, dot, parameter = key.partition(".")
        _check_pattern(type(policy), pattern)
        value = document.get(pattern)
        models = _models_of(type(policy), pattern)
        if not dot:
            _check_scalar(pattern, models)
            document[pattern] = text
            continue
        inside = value if isinstance(value, dict) else {}
        model = _model_of(models, pattern, inside)
        field = _field(model, models, pattern, parameter)
        document[pattern] = inside | {parameter: _value_of(model, field, text)}
    try:
        return type(policy).model_validate(document)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        raise ValueError("; ".join(_sentence(type(policy), detail["loc"], detail["msg"]) for detail in details)) from None


def _document(policy: EdgePolicy | ServicePolicy) -> dict[str, object]:
    """As it would stand in the map."""
    return policy.model_dump(mode="json", by_alias=True, exclude_none=True)


def _partly_as_document(policy: EdgePolicy | ServicePolicy, patterns: Collection[str]) -> dict[str, object]:
    """The same of these patterns and of plain values; the rest as the models they are, which need not be checked again."""
    model = type(policy)
    plain = {name for key, name in _aliases(model).items() if key in patterns or not _models_of(model, key)}
    kept = {key: getattr(policy, name) for key, name in _aliases(model).items() if name not in plain}
    return kept | policy.model_dump(mode="json", by_alias=True, exclude_none=True, include=plain)


def _spell(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _change_kind(document: dict[str, object], pattern: str, kind: str) -> None:
    value = document.get(pattern)
    if not isinstance(value, dict) or value.get(_KIND) != kind:
        document[pattern] = {_KIND: kind}


def _check_pattern(model: type[BaseModel], pattern: str) -> None:
    if pattern == _FACT:
        raise ValueError(f"{_FACT} is a fact about an edge's calls, not a pattern: no change makes it otherwise")
    allowed = [name for name in _aliases(model) if name != _FACT]
    if pattern in allowed:
        return
    if pattern == _LIMIT:
        raise ValueError(f"{_LIMIT} protects a service from all of its callers: name a service, not an edge")
    if pattern in _aliases(EdgePolicy):
        raise ValueError(f"{pattern} protects an edge: name an edge (caller->callee), not a service")
    raise ValueError(f"unknown pattern {pattern!r}{did_you_mean(pattern, allowed)}; allowed: {', '.join(allowed)}")


def _check_scalar(pattern: str, models: tuple[type[BaseModel], ...]) -> None:
    if models:
        keys = ", ".join(f"{pattern}.{key}" for key in dict.fromkeys(key for model in models for key in _aliases(model)))
        raise ValueError(f"{pattern} has parameters; allowed: {keys}")


def _model_of(models: tuple[type[BaseModel], ...], pattern: str, inside: Mapping[str, object]) -> type[BaseModel]:
    """Of several kinds, the one that `inside` names; else the first, which is the kind that need not be named."""
    if not models:
        raise ValueError(f"{pattern} has no parameters; write {pattern}=VALUE")
    named = (
        [model for model in models if inside.get(_KIND) in get_args(model.model_fields[_KIND].annotation)] if models[1:] else []
    )
    return (*named, models[0])[0]


def _field(model: type[BaseModel], models: tuple[type[BaseModel], ...], pattern: str, parameter: str) -> str:
    """Name of the field that `parameter` is the key of."""
    aliases = _aliases(model)
    if parameter in aliases:
        return aliases[parameter]
    for other in models:
        if parameter in _aliases(other):
            kind = get_args(other.model_fields[_KIND].annotation)[0]
            raise ValueError(f"{pattern}.{parameter} belongs to kind {kind}; set {pattern}.{_KIND}={kind} as well")
    raise ValueError(f"unknown parameter {pattern}.{parameter}{did_you_mean(parameter, aliases)}; allowed: {', '.join(aliases)}")


def _value_of(model: type[BaseModel], field: str, text: str) -> object:
    """A list where the model wants several."""
    several = get_origin(model.model_fields[field].annotation) is tuple
    return [part.strip() for part in text.split(",")] if several else text


@cache
def _aliases(model: type[BaseModel]) -> dict[str, str]:
    return {field.alias or name: name for name, field in model.model_fields.items()}


@cache
def _models_of(model: type[BaseModel], pattern: str) -> tuple[type[BaseModel], ...]:
    return tuple(models_in(model.model_fields[_aliases(model)[pattern]].annotation))


def _sentence(model: type[BaseModel], location: tuple[int | str, ...], message: str) -> str:
    """Without the tags of kinds and the places in a list, which are no keys, and without pydantic's own introduction."""
    text = message.removeprefix("Value error, ")
    if not location:
        return text
    pattern, *inner = map(str, location)
    known = {key for each in _models_of(model, pattern) for key in _aliases(each)}
    return f"{'.'.join((pattern, *(part for part in inner if part in known)))}: {text}"
