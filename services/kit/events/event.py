"""An event: something that happened in one service and that others are told of, and its form on the wire."""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from opentelemetry import propagate
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from services.kit.message import Model

ModelType: TypeAlias = type[Model]
"""Under a name of its own, for an event has a type as well."""
MAX_PAYLOAD_BYTES = 16_384
"""Of one event: with its envelope around it, and every character escaped, a request that any service takes."""
_HEADER = Annotated[str, StringConstraints(max_length=500)]


class UnreadableEventError(ValueError):
    """What arrived is no event, or none that this service can read. Trying again would not help."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        id: A uuid, the same however often and over however many ways the event arrives.
        type: What happened, two words (`account.opened`).
        key: Whom it happened to; a consumer gets the events of one key in their order.
        payload: JSON text of what the type tells.
        occurred_at: Unix time in seconds.
        headers: Trace context of the change that the event tells of.
    """

    id: str
    type: str
    key: str
    payload: str
    occurred_at: float
    headers: Mapping[str, str]

    def parse(self, model: ModelType[Model]) -> Model:
        """The payload as `model`. Raises UnreadableEventError."""
        try:
            return model.model_validate_json(self.payload)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "payload"
            raise UnreadableEventError(f"the payload is no {model.__name__}: {where}: {first['msg']}") from None


class Envelope(BaseModel):
    """An event on the wire, and in a table of what could not be handled."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="the same on every repetition")
    type: str = Field(pattern=r"^[a-z][a-z0-9_]{0,30}\.[a-z][a-z0-9_]{0,30}$")
    key: str = Field(pattern=r"^[!-~]{1,100}$", description="events of one key arrive in their order")
    occurred_at: float = Field(ge=0, allow_inf_nan=False, description="Unix time in seconds")
    payload: str = Field(max_length=MAX_PAYLOAD_BYTES, description="JSON text")
    headers: dict[_HEADER, _HEADER] = Field(default_factory=dict, max_length=10, description="trace context")


def new_event(event_type: str, key: str, payload: BaseModel) -> Event:
    """An event of this moment and of the current trace. Raises ValueError when it is none that a consumer would take."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    event = Event(str(uuid.uuid4()), event_type, key, payload.model_dump_json(), time.time(), headers)
    if len(event.payload.encode()) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"{event_type}: the payload has more than {MAX_PAYLOAD_BYTES} bytes")
    to_envelope(event)
    return event


def to_envelope(event: Event) -> Envelope:
    """Its form on the wire."""
    return Envelope(
        id=event.id,
        type=event.type,
        key=event.key,
        occurred_at=event.occurred_at,
        payload=event.payload,
        headers=dict(event.headers),
    )


def read_event(body: bytes) -> Event:
    """The event in `body`. Raises UnreadableEventError naming what is wrong first."""
    try:
        envelope = Envelope.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise UnreadableEventError(f"no event: {where}: {first['msg']}") from None
    return Event(envelope.id, envelope.type, envelope.key, envelope.payload, envelope.occurred_at, envelope.headers)


def encode_headers(headers: Mapping[str, str]) -> str:
    """For a column."""
    return json.dumps(dict(headers))


def decode_headers(text: str) -> dict[str, str]:
    """From a column."""
    return {str(name): str(value) for name, value in json.loads(text).items()}
