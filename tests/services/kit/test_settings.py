"""Settings of a process: from FIREBREAK_* variables alone, and a wrong one is named."""

import re
from pathlib import Path

import pytest

import services
from services.document import DocumentError
from services.kit.settings import OF_OTHERS, Settings, SettingsError
from services.policy import Pattern, Profile, Switch
from services.topology import load_topology


def test_a_service_needs_only_its_name() -> None:
    settings = Settings.from_environment({"FIREBREAK_SERVICE": "orders"})
    assert (settings.instance, settings.host, settings.port, settings.profile) == ("orders/1", "127.0.0.1", 0, Profile.DECLARED)
    assert settings.load_topology() == load_topology()


def test_every_variable_is_read() -> None:
    settings = Settings.from_environment(
        {
            "FIREBREAK_SERVICE": "orders",
            "FIREBREAK_REPLICA": "2",
            "FIREBREAK_PORT": "8001",
            "FIREBREAK_REGISTRY": "/run/registry.json",
            "FIREBREAK_PROFILE": "none",
            "FIREBREAK_SEED": "42",
            "FIREBREAK_LOG_LEVEL": "WARNING",
            "FIREBREAK_CHAOS_TOKEN": "secret",
        }
    )
    assert (settings.instance, settings.port, settings.registry) == ("orders/2", 8_001, Path("/run/registry.json"))
    assert (settings.profile, settings.seed, settings.log_level, settings.chaos_token) == (Profile.NONE, 42, "WARNING", "secret")


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert Settings.from_environment({"FIREBREAK_SERVICE": "orders", "FIREBREAK_PORT": ""}).port == 0


def test_variables_of_others_are_ignored() -> None:
    assert Settings.from_environment({"FIREBREAK_SERVICE": "orders", "PORT": "x", "SERVICE": "y"}).service == "orders"


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("FIREBREAK_SERVICE", "Orders!", "String should match pattern"),
        ("FIREBREAK_REPLICA", "0", "Input should be greater than or equal to 1"),
        ("FIREBREAK_PORT", "70000", "Input should be less than or equal to 65535"),
        ("FIREBREAK_PORT", "http", "Input should be a valid integer"),
        ("FIREBREAK_PROFILE", "all", "Input should be 'declared', 'timeouts_only' or 'none'"),
        ("FIREBREAK_SEED", "x", "Input should be a valid integer"),
        ("FIREBREAK_LOG_LEVEL", "loud", "String should match pattern"),
        ("FIREBREAK_TRACING", "fast", "Input should be 'default' or 'lean'"),
        ("FIREBREAK_TRACE_RATIO", "1.5", "Input should be less than or equal to 1"),
        ("FIREBREAK_TRACE_RATIO", "nan", "Input should be"),
        ("FIREBREAK_TRACE_RATIO", "10%", "Input should be a valid number"),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_allowed(variable: str, value: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=f"^{variable}: {problem}"):
        Settings.from_environment({"FIREBREAK_SERVICE": "orders", variable: value})


def test_a_mistyped_variable_is_refused_with_what_was_meant() -> None:
    with pytest.raises(SettingsError, match=r"^FIREBREAK_PROFIL: nobody .* \(did you mean FIREBREAK_PROFILE\?\)$"):
        Settings.from_environment({"FIREBREAK_SERVICE": "orders", "FIREBREAK_PROFIL": "none"})


def test_every_variable_that_any_part_reads_is_known_and_none_is_known_that_nobody_reads() -> None:
    packages = [
        Path(services.__path__[0]).parent / name for name in ("services", "observability", "testbed", "chaos", "loadtests")
    ]
    checkout = packages[0].parent
    code = [path for package in packages for path in package.rglob("*.py")]
    sources = [path.read_text() for path in (*code, checkout / "compose.yaml")]
    read = {name for source in sources for name in re.findall(r"(?<!X_)\bFIREBREAK_([A-Z_]*[A-Z])\b", source)}
    assert read - {field.upper() for field in Settings.model_fields} == set(OF_OTHERS)


def test_variables_of_other_parts_are_let_pass() -> None:
    environment = {f"FIREBREAK_{name}": "x" for name in OF_OTHERS}
    assert Settings.from_environment({"FIREBREAK_SERVICE": "orders", **environment}).service == "orders"


def test_a_service_without_a_name_is_told_so() -> None:
    with pytest.raises(SettingsError, match=r"^FIREBREAK_SERVICE: Field required"):
        Settings.from_environment({})


def test_switches_are_separated_by_commas() -> None:
    settings = Settings.from_environment({"FIREBREAK_SERVICE": "orders", "FIREBREAK_WITHOUT": "breaker@orders->payments, retry,"})
    assert settings.switches(load_topology()) == (Switch(Pattern.BREAKER, "orders->payments"), Switch(Pattern.RETRY, None))


@pytest.mark.parametrize("without", ["braker", "breaker@orders->paymnts"])
def test_a_switch_that_cannot_be_is_refused_with_what_is_allowed(without: str) -> None:
    settings = Settings.from_environment({"FIREBREAK_SERVICE": "orders", "FIREBREAK_WITHOUT": without})
    with pytest.raises(ValueError, match="allowed: "):
        settings.switches(load_topology())


def test_a_map_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = Settings(service="orders", topology=tmp_path / "none.yaml")
    with pytest.raises(DocumentError, match=r"none\.yaml: cannot be read"):
        settings.load_topology()


def test_secrets_are_not_shown() -> None:
    settings = Settings(
        service="orders", internal_token="hunter2", chaos_token="hunter3", signing_key="hunter4", nats_url="nats://hunter5@h"
    )
    assert "hunter" not in repr(settings)


@pytest.mark.parametrize(
    "url", ["http://hunter@h", "nats://", "nats://hunter@h:0", "nats://hunter@h:x", "nats://hunter@h/s", "hunter"]
)
def test_what_is_no_broker_is_refused_with_what_is_and_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match=r"FIREBREAK_NATS_URL: no URL of a NATS server; write nats://HOST:PORT") as refused:
        Settings.from_environment({"FIREBREAK_SERVICE": "orders", "FIREBREAK_NATS_URL": url})
    assert "hunter" not in str(refused.value)


def test_whoever_keeps_secrets_out_of_logs_is_told_all_of_them_also_as_addresses_spell_them() -> None:
    settings = Settings(
        service="orders",
        internal_token="an-internal-token",
        chaos_token="a-chaos-token",
        signing_key="a-signing-key",
        database_url="postgresql://orders:data%20base@db/orders",
        nats_url="nats://orders:bro%2Fker@broker:4222",
    )
    expected = {"an-internal-token", "a-chaos-token", "a-signing-key", "data base", "data%20base", "bro/ker", "bro%2Fker"}
    assert set(settings.secrets) == expected


def test_a_service_without_passwords_in_its_addresses_has_no_secrets_of_them() -> None:
    assert set(Settings(service="orders").secrets) == {""}
