"""Whether a client written for one OpenAPI document can work with another: what breaks it is named.

Limited to what FastAPI emits for our services. A value schema is compared by what it admits: a request may come to admit more,
an answer may come to say more, and neither less.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.contracts.documents import Json
from tests.contracts.schemas import Fit, Way

METHODS = ("get", "put", "post", "delete", "patch")
_SUCCESS = "2"


@dataclass(frozen=True)
class Comparison:
    """Two documents of one interface."""

    old: Json
    new: Json

    def breaks(self) -> list[str]:
        """Everything that a client of `old` does or reads and that `new` has no more."""
        found: list[str] = []
        for path, operations in self.old["paths"].items():
            for method in METHODS:
                if method in operations:
                    name = f"{method.upper()} {path}"
                    newer = self.new["paths"].get(path, {}).get(method)
                    found += [f"{name}: is gone"] if newer is None else self._operation(name, operations[method], newer)
        return found

    def _operation(self, name: str, old: Json, new: Json) -> Iterator[str]:
        yield from self._parameters(name, old, new)
        yield from self._body(name, old.get("requestBody"), new.get("requestBody"))
        yield from self._answers(name, old["responses"], new["responses"])
        if new.get("security") and not old.get("security"):
            yield f"{name}: must be authorised, and was open to all"

    def _parameters(self, name: str, old: Json, new: Json) -> Iterator[str]:
        before = {(each["in"], each["name"]): each for each in old.get("parameters", ())}
        now = {(each["in"], each["name"]): each for each in new.get("parameters", ())}
        for key, parameter in now.items():
            if parameter.get("required") and not before.get(key, {}).get("required"):
                yield f"{name}: {key[0]} {key[1]} has become required"
        for key, parameter in before.items():
            if key not in now:
                yield f"{name}: {key[0]} {key[1]} is no longer read"
            else:
                yield from self._sent(f"{name}: {key[0]} {key[1]}", parameter["schema"], now[key]["schema"])

    def _body(self, name: str, old: Json, new: Json) -> Iterator[str]:
        if new and new.get("required") and not (old and old.get("required")):
            yield f"{name}: a body has become required"
        if old and not new:
            yield f"{name}: the body is no longer read"
        if old and new:
            for media_type, content in old["content"].items():
                if media_type not in new["content"]:
                    yield f"{name}: a body of {media_type} is no longer taken"
                else:
                    yield from self._sent(f"{name}: body", content["schema"], new["content"][media_type]["schema"])

    def _answers(self, name: str, old: Json, new: Json) -> Iterator[str]:
        for status, answer in old.items():
            if status not in new:
                if status.startswith(_SUCCESS):
                    yield f"{name}: no longer answers {status}"
                continue
            for header in answer.get("headers", {}):
                if header not in new[status].get("headers", {}):
                    yield f"{name}: {status}: the header {header} is gone"
            for media_type, content in answer.get("content", {}).items():
                newer = new[status].get("content", {}).get(media_type)
                if newer is None:
                    yield f"{name}: {status}: no longer of {media_type}"
                elif "schema" in content:
                    where = f"{name}: {status}"
                    yield from Fit(self.new, self.old, Way.READ).misfits(newer.get("schema", {}), content["schema"], where)

    def _sent(self, where: str, old: Json, new: Json) -> Iterator[str]:
        yield from Fit(self.old, self.new, Way.SENT).misfits(old, new, where)
