"""Drives a consumer's client through its real calling pipeline, and writes down what it asks and what it reads."""

import json
import random
import sys
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from opentelemetry.sdk.trace import TracerProvider
from pydantic import BaseModel

from observability.metrics import Metrics
from observability.telemetry import Telemetry
from services.kit.caller import Caller
from services.kit.discovery import StaticResolver
from services.kit.errors import ServiceError, ShedError, TooManyRequestsError
from services.kit.message import DEGRADED_HEADER, IDEMPOTENCY_HEADER, Model, Outgoing, Reply, problem_detail
from services.policy import Timeout
from services.registry import Instance, InstanceState, Registry
from services.topology import load_topology
from tests.contracts.documents import Json
from tests.contracts.interaction import Asked, Contract, Interaction, Needed

ORDER = "{order}"
"""Stands in arguments for the id of an order of this exercise alone."""
NOTHING = "nothing is known of the order"
_DETAIL_ALONE = {"properties": {"detail": {"type": "string"}}, "required": ["detail"], "type": "object"}


@dataclass(frozen=True)
class Exercise:
    """A call of a client's method, the answer that it gets, and what it must make of it: a value, or an error's class."""

    provider: str
    asks: Callable[..., Awaitable[object]]
    arguments: tuple[object, ...]
    status: int
    body: Json
    makes: object
    given: str = NOTHING
    degraded: str | None = None
    retry_after_s: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Those of the answer that are read."""
        degraded = {DEGRADED_HEADER: self.degraded} if self.degraded else {}
        return degraded if self.retry_after_s is None else degraded | {"Retry-After": str(self.retry_after_s)}

    @property
    def order_id(self) -> str:
        """The same on every run."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.provider} {self.asks.__name__} {self.given} {self.status}"))


class Watched:
    """What of an answer was read."""

    def __init__(self) -> None:
        self.model: type[BaseModel] | None = None
        self.detail = False


@dataclass(frozen=True, slots=True)
class WatchedReply(Reply):
    """An answer that notices what is read of it."""

    watched: Watched = field(default_factory=Watched)

    def parse(self, model: type[Model]) -> Model:
        self.watched.model = model
        return Reply.parse(self, model)

    @property
    def detail(self) -> str:
        self.watched.detail = True
        return problem_detail(self.body)


class RecordingTransport:
    """Answers with one reply and keeps the request."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.sent: list[Asked] = []

    async def send(
        self, edge: str, instance: Instance, outgoing: Outgoing, headers: Mapping[str, str], limits: Timeout | None
    ) -> Reply:
        # As HttpTransport names them, whose own tests hold it to that.
        named = {"Content-Type": "application/json"} if outgoing.body is not None else {}
        named |= {IDEMPOTENCY_HEADER: outgoing.idempotency_key} if outgoing.idempotency_key else {}
        body = None if outgoing.body is None else json.loads(outgoing.body)
        self.sent.append(Asked(method=outgoing.method, path=outgoing.path, headers=named | dict(outgoing.headers), body=body))
        if self._reply.status == TooManyRequestsError.status:
            raise ShedError(edge, self._reply.detail)
        return self._reply


async def record(consumer: str, exercise: Exercise) -> Interaction:
    """Does the exercise. Raises AssertionError when the client makes something else of the answer."""
    watched = Watched()
    body = b"" if exercise.body is None else json.dumps(exercise.body).encode()
    retry_after_ms = None if exercise.retry_after_s is None else exercise.retry_after_s * 1_000
    transport = RecordingTransport(WatchedReply(exercise.status, body, exercise.degraded, retry_after_ms, watched))
    client = getattr(sys.modules[exercise.asks.__module__], exercise.asks.__qualname__.partition(".")[0])
    order_id = exercise.order_id
    arguments = [order_id if each == ORDER else each for each in exercise.arguments]
    try:
        made: object = await exercise.asks(client(_caller(consumer, exercise.provider, transport)), *arguments)
    except ServiceError as error:
        made = type(error)
    assert made == exercise.makes, f"{exercise.asks.__qualname__} makes {made!r} of {exercise.status}, not {exercise.makes!r}"
    asked = transport.sent[0]
    assert transport.sent == [asked] * len(transport.sent), "an attempt that is made again asks for something else"
    return Interaction(
        what=exercise.asks.__name__,
        given=exercise.given,
        request=asked,
        answer=Needed(
            status=exercise.status,
            headers=exercise.headers,
            reads=_read(watched),
            means=made.__name__ if isinstance(made, type) else "success",
        ),
    )


async def contracts_of(consumer: str, exercises: list[Exercise]) -> list[Contract]:
    """What `consumer` asks of each of its providers."""
    found: dict[str, list[Interaction]] = {}
    for exercise in exercises:
        found.setdefault(exercise.provider, []).append(await record(consumer, exercise))
    return [Contract(consumer=consumer, provider=provider, interactions=interactions) for provider, interactions in found.items()]


def _caller(consumer: str, provider: str, transport: RecordingTransport) -> Caller:
    instance = Instance(service=provider, replica=1, host="127.0.0.1", port=1, pid=1, state=InstanceState.UP)
    policies = {provider: load_topology().edges[f"{consumer}->{provider}"]}
    telemetry = Telemetry(TracerProvider(shutdown_on_exit=False), Metrics(), None)
    return Caller(consumer, policies, StaticResolver(Registry(instances=(instance,))), transport, telemetry, random.Random(1))


def _read(watched: Watched) -> Json:
    if watched.model is not None:
        return without_words(watched.model.model_json_schema())
    return _DETAIL_ALONE if watched.detail else None


def without_words(schema: Json) -> Json:
    """A schema without what only people read, as pydantic puts it everywhere."""
    if isinstance(schema, list):
        return [without_words(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    words = {key for key in ("title", "description") if isinstance(schema.get(key), str)}
    words |= {"examples"} if isinstance(schema.get("examples"), list) else set()
    return {key: without_words(value) for key, value in schema.items() if key not in words}
