"""OTLP's JSON form, which is protobuf's JSON form but for ids: those are hexadecimal, not base64."""

import base64
import json
from typing import Final

from google.protobuf import json_format  # type: ignore[import-untyped]  # protobuf ships no types.
from google.protobuf.message import Message  # type: ignore[import-untyped]  # Likewise.

from observability.store.errors import InvalidUploadError

_ID_FIELDS: Final = ("traceId", "spanId", "parentSpanId")


def parse_json(body: bytes, request: Message) -> None:
    """Fills `request` from OTLP's JSON form; unknown fields are ignored, as the protocol demands. Raises InvalidUploadError."""
    name = request.DESCRIPTOR.name
    try:
        document = json.loads(body, object_hook=_with_base64_ids)
        if not isinstance(document, dict):
            raise InvalidUploadError(f"the body is not a JSON {name}: it must be an object")
        json_format.ParseDict(document, request, ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError, RecursionError) as error:
        raise InvalidUploadError(f"the body is not a JSON {name}: {error}") from error


def _with_base64_ids(fields: dict[str, object]) -> dict[str, object]:
    """Rewrites the ids of one JSON object; called for each object, innermost first."""
    for field in _ID_FIELDS:
        text = fields.get(field)
        if isinstance(text, str):
            try:
                fields[field] = base64.b64encode(bytes.fromhex(text)).decode()
            except ValueError:
                raise ValueError(f"{field} {text!r:.40} is not hexadecimal") from None
    return fields
