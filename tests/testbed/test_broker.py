"""Which server carries a system's events, and under which name there."""

from pathlib import Path

import pytest

from testbed.broker import Broker, choose_broker
from testbed.data import SqliteData
from testbed.launch import LaunchOptions

URL = "nats://tests:geheim@127.0.0.1:4222"
DATA = SqliteData(Path("/data"))


def test_without_a_server_services_push_and_inherit_no_other_systems_server() -> None:
    assert choose_broker("", DATA, is_fresh=True) == Broker()
    assert Broker().environment() == {"FIREBREAK_NATS_URL": "", "FIREBREAK_NATS_STREAM": ""}


def test_fresh_data_gets_a_stream_of_its_own_and_data_that_stays_finds_its_stream_again() -> None:
    fresh = {choose_broker(URL, DATA, is_fresh=True).stream for _ in range(3)}
    kept = {choose_broker(URL, DATA, is_fresh=False).stream for _ in range(3)}
    elsewhere = choose_broker(URL, SqliteData(Path("/elsewhere")), is_fresh=False).stream
    assert (len(fresh), len(kept), len(fresh | kept | {elsewhere})) == (3, 1, 5)


@pytest.mark.parametrize(
    "url", ["http://geheim@host", "nats://", "nats://geheim@host:port", "nats://geheim@host/stream", "geheim"]
)
def test_what_is_no_server_is_refused_with_how_to_name_one_and_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"--nats: no URL of a NATS server; write nats://HOST:PORT") as refused:
        choose_broker(url, DATA, is_fresh=True)
    assert "geheim" not in str(refused.value)


def test_a_server_is_on_no_command_line_and_in_no_representation() -> None:
    options = LaunchOptions(state=Path("state"), nats=URL)
    assert "--nats-on-stdin" in options.arguments()
    assert "geheim" not in " ".join(options.arguments()) + repr(options) + repr(choose_broker(URL, DATA, is_fresh=True))
