"""What an expression of PromQL names: metrics, and the labels that it expects of each."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

SUFFIXES = ("_bucket", "_count", "_sum")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")
_RANGE = re.compile(r"\[[^\]]*\]")
_OFFSET = re.compile(r"\boffset\s+\S+")
_SELECTOR = re.compile(r"(?<![\w:$.])([a-zA-Z_:][\w:]*+)(\{[^}]*\})?+(?!\s*\()")
_LABEL = re.compile(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)")
_BY = re.compile(r"\bby\s*\(([^()]*)\)\s*\(")
_WORDS = {"and", "or", "unless", "bool", "by", "without", "on", "ignoring", "inf", "nan"}


def metrics_in(expression: str) -> dict[str, set[str]]:
    """Each metric by its family's name, with the labels that conditions and groupings around it expect."""
    found: dict[str, set[str]] = defaultdict(set)
    for metric, labels in _selectors(expression):
        found[metric] |= labels
    for labels, inner in _grouped(expression):
        for metric, _ in _selectors(inner):
            found[metric] |= labels
    return dict(found)


def family(metric: str, known: Collection[str]) -> str:
    """The metric itself, or the histogram whose series it is."""
    bare = next((metric.removesuffix(suffix) for suffix in SUFFIXES if metric.endswith(suffix)), metric)
    return metric if metric in known else bare


def _selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    bare = _OFFSET.sub("", _RANGE.sub("", _GROUPING.sub("", _STRING.sub('""', expression))))
    for name, conditions in _SELECTOR.findall(bare):
        if name.lower() not in _WORDS:
            yield name, set(_LABEL.findall(conditions))


def _grouped(expression: str) -> Iterator[tuple[set[str], str]]:
    """The labels of each grouping, and what is grouped by them."""
    for match in _BY.finditer(expression):
        depth, end = 1, match.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(expression[end], 0)
            end += 1
        yield {label.strip() for label in match[1].split(",")}, expression[match.end() : end - 1]


def filled(expression: str, values: Mapping[str, str]) -> str:
    """The expression with Grafana's variables replaced, the longest names first."""
    for name in sorted(values, key=len, reverse=True):
        expression = expression.replace(f"${{{name}}}", values[name]).replace(f"${name}", values[name])
    return expression
