from pathlib import Path

import pytest

from services.policy import Pattern, Profile, Switch
from testbed.arguments import parse_arguments
from testbed.launch import LaunchOptions
from testbed.request import parse_port, read_request


def test_what_a_launcher_asks_for_is_what_the_supervisor_reads(tmp_path: Path) -> None:
    options = LaunchOptions(
        state=tmp_path / "a state",
        profile=Profile.NONE,
        without=("breaker@orders->payments", "retry"),
        free_ports=True,
        ports={"gateway": 8_081},
        seed=-3,
        run_id="r1",
        arm="none",
    )
    request = read_request(parse_arguments(options.arguments()))
    assert request.folder.root == tmp_path / "a state"
    assert request.profile is Profile.NONE
    assert request.without == (Switch(Pattern.BREAKER, "orders->payments"), Switch(Pattern.RETRY, None))
    assert (request.free_ports, request.ports) == (True, {"gateway": 8_081})
    assert (request.seed, request.run_id, request.arm) == (-3, "r1", "none")


@pytest.mark.parametrize(("written", "read"), [("", ""), ("https://otel.example/otlp/", "https://otel.example/otlp")])
def test_a_collector_is_a_base_url(tmp_path: Path, written: str, read: str) -> None:
    assert read_request(parse_arguments(LaunchOptions(state=tmp_path, otlp=written).arguments())).collector == read


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("collector:4318", "is no collector's base URL; write one such as http://127.0.0.1:4318"),
        ("grpc://collector:4317", "is no collector's base URL"),
        ("http://collector:4318?key=x", "is no collector's base URL"),
        ("http://collector:4318/v1/traces", "leave v1/traces out"),
        ("https://me:geheim@collector", "put it into OTEL_EXPORTER_OTLP_HEADERS"),
    ],
)
def test_what_is_no_base_url_of_a_collector_is_refused_with_what_is(tmp_path: Path, url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refused:
        read_request(parse_arguments(LaunchOptions(state=tmp_path, otlp=url).arguments()))
    assert "geheim" not in str(refused.value)


def test_a_run_without_a_name_is_named_after_the_time_of_day(tmp_path: Path) -> None:
    assert read_request(parse_arguments(LaunchOptions(state=tmp_path).arguments())).run_id.startswith("up-2")


def test_a_stack_is_started_with_what_is_on_the_path_unless_somebody_wants_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def programs(*, stack: bool = True) -> object:
        return read_request(parse_arguments(LaunchOptions(state=tmp_path, stack=stack).arguments())).programs

    monkeypatch.setenv("FIREBREAK_STACK", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "prometheus-alertmanager").touch(mode=0o755)
    assert programs() == {"alertmanager": tmp_path / "prometheus-alertmanager"}
    assert programs(stack=False) is None
    monkeypatch.setenv("FIREBREAK_STACK", "off")
    assert programs() is None
    monkeypatch.setenv("FIREBREAK_STACK", "no")
    with pytest.raises(ValueError, match="FIREBREAK_STACK: 'no' is neither on nor off"):
        programs()


@pytest.mark.parametrize("name", ["prometheus", "alertmanager", "grafana", "exporter", "migrator"])
def test_a_name_of_what_runs_beside_services_is_not_to_be_had_for_a_service(tmp_path: Path, name: str) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(f"services: {{{name}: {{module: a, entry: true}}}}")
    with pytest.raises(ValueError, match=rf"map.yaml: services.{name}: this name is a program's that runs beside the system"):
        read_request(parse_arguments(LaunchOptions(state=tmp_path, topology=path).arguments()))


def test_the_store_s_name_is_not_to_be_had_for_a_service(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text("services: {telemetry: {module: a, entry: true}}")
    with pytest.raises(ValueError, match=r"map.yaml: services.telemetry: this name is the embedded store's"):
        read_request(parse_arguments(LaunchOptions(state=tmp_path, topology=path).arguments()))


def test_an_unknown_pattern_is_refused_with_what_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'braker' is no pattern; allowed: deadline, throttle"):
        read_request(parse_arguments(LaunchOptions(state=tmp_path, without=("braker",)).arguments()))


@pytest.mark.parametrize("text", ["gateway", "gateway=", "=80", "gateway=-1", "gateway=80x", "gateway=123456"])
def test_a_port_without_name_or_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write NAME=PORT, such as gateway=8081"):
        parse_port(text)
