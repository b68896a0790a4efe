"""Nothing that is secret is ever told: not in a log record, not in a span, not in an exception, whatever goes wrong.

Records are looked at as whoever logged them wrote them, before the filter that is the last line of defence
(observability.redaction): what it would have to hide is a mistake of its source.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chaos.faults import Error
from chaos.inject.messages import PATH, TOKEN_HEADER
from services.gateway.tokens import Tokens
from services.kit.internal import INTERNAL_TOKEN_HEADER
from services.kit.settings import Settings
from services.users import main as users
from tests.feastfast.customer import BASKET
from tests.feastfast.system import CHAOS_TOKEN, INTERNAL_TOKEN, SIGNING_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.feastfast.system import FeastFast, Start

PASSWORD, WRONG_PASSWORD = "correct-horse-battery", "wrong-horse-battery"
NEVER_MATCHING_TOKEN, GUESSED_INTERNAL, GUESSED_CHAOS = (
    "guessed-bearer-token-0815",
    "guessed-internal-token",
    "guessed-chaos-token",
)
BROKER_PASSWORD, DATABASE_PASSWORD = "broker pass/word", "database@pass word"


class Everything:
    """Keeps every record from the moment it is made: its message, all that is given beside it, its exception with all causes."""

    def __init__(self) -> None:
        self._records: list[logging.LogRecord] = []

    def make(self, *arguments: Any, **named: Any) -> logging.LogRecord:
        """Stands for the class of records, which whoever takes over the root logger leaves as it is."""
        self._records.append(logging.LogRecord(*arguments, **named))
        return self._records[-1]

    @property
    def texts(self) -> list[str]:
        return [f"{record.name}: {record.getMessage()} {vars(record)} {_told(record)}" for record in list(self._records)]


def _told(record: logging.LogRecord) -> str:
    raised = record.exc_info[1] if record.exc_info else None
    return "".join(traceback.format_exception(raised)) if raised else ""


@pytest.fixture
def logged() -> Iterator[Everything]:
    """Everything that is logged during a test, by whomever."""
    kept, before = Everything(), logging.getLogRecordFactory()
    logging.setLogRecordFactory(kept.make)
    yield kept
    logging.setLogRecordFactory(before)


def keep_spans(system: FeastFast) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    for replica in system.replicas.values():
        replica.app.state.kit.telemetry.tracers.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


def told_by(exporter: InMemorySpanExporter) -> str:
    """All spans with attributes, events (exceptions are among them), status and resource."""
    return "\n".join(span.to_json() for span in exporter.get_finished_spans())


def spellings(secret: str) -> set[str]:
    """A secret as it is, as a URL has it, and as headers for passwords have it."""
    return {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode(), repr(secret)[1:-1]}


def leaks(secrets: dict[str, str], *texts: str) -> list[str]:
    """Which secrets are in a text, with what is around the first of them."""
    found = []
    for name, secret in secrets.items():
        for spelling in spellings(secret):
            for text in texts:
                place = text.find(spelling)
                if place >= 0:
                    found.append(f"{name}: …{text[max(0, place - 120) : place + 60]}…")
    return found


async def use_everything(system: FeastFast) -> dict[str, str]:
    """Does what customers, neighbours and strangers do, right and wrong. Returns all that is secret about it, by what it is."""
    email = {"email": "ada@example.org"}
    person = email | {"name": "Ada", "password": PASSWORD}
    assert (await system.ask("POST", "/v1/customers", person)).status == 201
    assert (await system.ask("POST", "/v1/customers", person | {"password": WRONG_PASSWORD})).status == 409
    assert (await system.ask("POST", "/v1/sessions", email | {"password": WRONG_PASSWORD})).status == 401
    answer = await system.ask("POST", "/v1/sessions", email | {"password": PASSWORD})
    token = str(answer.json["token"])
    signed_in = {"Authorization": f"Bearer {token}"}
    assert (await system.ask("POST", "/v1/orders", BASKET, headers=signed_in)).status == 201
    await be_refused(system, token)
    await let_things_fail(system, signed_in)
    [(password_hash,)] = system.rows("users", "SELECT password_hash FROM customers WHERE email = ?", email["email"])
    return {
        "password": PASSWORD,
        "wrong password": WRONG_PASSWORD,
        "password hash": password_hash,
        "anybody's password hash": password_hash[: len("$argon2id$v=19$")],
        "customer's token": token,
        "forged token": Tokens("another-key-of-32-characters-long").issue(1),
        "guessed token": NEVER_MATCHING_TOKEN,
        "internal token": INTERNAL_TOKEN,
        "guessed internal token": GUESSED_INTERNAL,
        "chaos token": CHAOS_TOKEN,
        "guessed chaos token": GUESSED_CHAOS,
        "signing key": SIGNING_KEY,
    }


async def be_refused(system: FeastFast, token: str) -> None:
    """Asks as strangers and as those who cannot write do."""
    forged = Tokens("another-key-of-32-characters-long").issue(1)
    for bearer in (NEVER_MATCHING_TOKEN, forged, token[:-3] + "xxx"):
        assert (await system.ask("GET", "/v1/orders", headers={"Authorization": f"Bearer {bearer}"})).status == 401
    assert (await system.ask("GET", "/v1/orders", headers={"Authorization": f"Basic {NEVER_MATCHING_TOKEN}"})).status == 401
    for body in (b'{"email": "a@b", "password": "' + PASSWORD.encode(), {"email": 1, "password": [PASSWORD], "name": {}}):
        assert (await system.ask("POST", "/v1/customers", body)).status == 422
    guess = {INTERNAL_TOKEN_HEADER: GUESSED_INTERNAL}
    assert (await system.ask("GET", "/internal/audit/orders", service="orders", headers=guess)).status in (403, 404)
    assert (await system.ask("POST", PATH, {}, service="orders", headers={TOKEN_HEADER: GUESSED_CHAOS})).status == 404
    assert (await system.ask("POST", PATH, {"fault": 1}, service="orders", headers={TOKEN_HEADER: CHAOS_TOKEN})).status == 422


async def let_things_fail(system: FeastFast, signed_in: dict[str, str]) -> None:
    """Faults in neighbours, a dead neighbour, and a database whose statements fail with all that they were given."""
    person = {"email": "bob@example.org", "name": "Bob", "password": PASSWORD}
    await system.inject("payments", Error())
    await system.ask("POST", "/v1/orders", BASKET, headers=signed_in)
    await system.heal("payments")
    await system.change("users", "CREATE TRIGGER full BEFORE INSERT ON customers BEGIN SELECT RAISE(FAIL, 'no room'); END")
    assert (await system.ask("POST", "/v1/customers", person)).status >= 500
    await system.change("users", "ALTER TABLE customers RENAME TO gone")
    assert (await system.ask("POST", "/v1/customers", person)).status >= 500
    assert (await system.ask("POST", "/v1/sessions", {"email": person["email"], "password": PASSWORD})).status >= 500
    await system.change("users", "ALTER TABLE gone RENAME TO customers")
    await system.kill("users")
    assert (await system.ask("POST", "/v1/sessions", {"email": person["email"], "password": PASSWORD})).status >= 500


async def test_no_secret_is_in_any_log_record_span_or_exception_whatever_fails(
    tmp_path: Path, start: Start, logged: Everything
) -> None:
    async with start(tmp_path, log_level="debug") as system:
        spans = keep_spans(system)
        secrets = await use_everything(system)
        lines = system.lines.getvalue()
    assert any("no room" in text and "INSERT INTO customers" in text for text in logged.texts), "no failure told its cause"
    assert len(spans.get_finished_spans()) > 50
    assert leaks(secrets, *logged.texts) == []
    assert leaks(secrets, told_by(spans)) == []
    assert leaks(secrets, lines) == []


async def test_a_brokers_password_is_in_no_log_when_the_broker_is_not_there(
    tmp_path: Path, start: Start, logged: Everything
) -> None:
    url = f"nats://firebreak:{quote(BROKER_PASSWORD, safe='')}@127.0.0.1:9"
    async with start(tmp_path, log_level="debug", nats_url=url) as system:
        await system.eventually(lambda: any("broker" in text for text in logged.texts))
    assert leaks({"broker's password": BROKER_PASSWORD}, *logged.texts) == []


async def test_a_databases_password_is_in_no_log_or_exception_when_the_database_is_not_there(
    tmp_path: Path, logged: Everything
) -> None:
    url = f"postgresql://users:{quote(DATABASE_PASSWORD, safe='')}@127.0.0.1:9/users"
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        app = users.create_app(
            Settings(service="users", database_url=url, registry=tmp_path / "registry.json", log_level="debug")
        )
        root.handlers[:] = before
        with pytest.raises(Exception) as raised:  # noqa: PT011 - which one it is, is the driver's concern.
            async with asyncio.timeout(20), app.router.lifespan_context(app):
                await app.state.service.store.by_email("ada@example.org")
    finally:
        root.handlers[:], root.level = before, level
    told = "".join(traceback.format_exception(raised.value))
    assert leaks({"database's password": DATABASE_PASSWORD}, *logged.texts, told) == []


def test_a_leak_would_be_found_however_it_is_spelled() -> None:
    spelled = [json.dumps({"url": quote(DATABASE_PASSWORD, safe="")}), f"failed for {DATABASE_PASSWORD}"]
    assert len(leaks({"database's password": DATABASE_PASSWORD}, *spelled)) >= 2
