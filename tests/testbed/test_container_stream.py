"""An arm's event stream is deleted from within a container."""

import io

import nats as client
import pytest

from testbed.container.stream import main
from tests.nats import NatsServer


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr("sys.stdin", io.StringIO("arm-1\n"))
    return monkeypatch


async def streams(server: NatsServer) -> list[str]:
    connection = await client.connect(server.url())
    try:
        return [str(each.config.name) for each in await connection.jetstream().streams_info()]
    finally:
        await connection.close()


@pytest.mark.server
async def test_the_named_stream_is_gone_and_no_other_also_when_it_never_was(nats: NatsServer, asked: pytest.MonkeyPatch) -> None:
    connection = await client.connect(nats.url())
    for name in ("arm-1", "arm-2"):
        await connection.jetstream().add_stream(name=name, subjects=[f"{name}.>"])
    await connection.close()
    asked.setenv("FIREBREAK_NATS_URL", nats.url())
    assert main() == 0
    assert await streams(nats) == ["arm-2"]
    asked.setattr("sys.stdin", io.StringIO("arm-1\n"))
    assert main() == 0


@pytest.mark.server
def test_a_server_that_refuses_is_quoted(nats: NatsServer, asked: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked.setenv("FIREBREAK_NATS_URL", nats.url("wrong"))
    assert main() == 2
    said = capsys.readouterr().err
    assert "NATS did not delete the stream 'arm-1': -ERR 'Authorization Violation'" in said
    assert "wrong" not in said


def test_a_server_that_is_not_there_is_told_in_one_line(asked: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked.setenv("FIREBREAK_NATS_URL", "nats://127.0.0.1:1")
    assert main() == 2
    assert capsys.readouterr().err.count("\n") == 1
    asked.setenv("FIREBREAK_NATS_URL", "")
    asked.setattr("sys.stdin", io.StringIO("arm-1\n"))
    assert main() == 2
    assert "FIREBREAK_NATS_URL names no server" in capsys.readouterr().err
