"""The compose file: one that Compose takes, bounded, closed to everybody else, and the same system as the map's."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema_rs
import pytest

from observability.slo.__main__ import STACK
from services.topology import load_topology
from testbed.compose.configuration import ADDRESSES, FOLDER, LOAD_METRICS_PORT, LOAD_SERVICE, SERVICE_PORT, TARGETS
from testbed.compose.lifecycle import DATA, LOAD_SERVICES, LOGS
from testbed.compose.preflight import ONCE, variable_of_port
from testbed.compose.project import NAME
from testbed.stack.prometheus import BOUNDS
from tests.deploy.compose_file import DOCUMENT, EXAMPLE, REPLICAS, ROOT, SECRETS, SERVICES, memory, mounts, variables

TOPOLOGY = load_topology()
PINNED = re.compile(r"[a-z0-9./-]+:v?\d+(\.\d+)+(-[\w.]+)?")
OWN_IMAGES = ("firebreak:local", "firebreak-load:local")
PROMISED_BYTES = 2_560 * 2**20
ENDING = {*ONCE, "chaos"}
"""Whatever ends by itself."""
IS_PUBLISHED_HERE = re.compile(r"127\.0\.0\.1:(\$\{(?P<variable>\w+):-(?P<port>\d+)\})?:(?P<inside>\d+)")


def test_the_published_schema_accepts_it() -> None:
    schema = json.loads((Path(__file__).parent / "schema" / "compose-spec.json").read_text(encoding="utf-8"))
    schema["$schema"] = "http://json-schema.org/draft-07/schema#"
    problems = [
        f"{list(each.instance_path)}: {each.message}" for each in jsonschema_rs.validator_for(schema).iter_errors(DOCUMENT)
    ]
    assert problems == []


def test_compose_itself_accepts_it_with_every_profile(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("no `docker compose` on this machine")
    env = tmp_path / "env"
    env.write_text("".join(f"{name}={value or 'x' * 16}\n" for name, value in EXAMPLE.values.items()), encoding="utf-8")
    check = [docker, "compose", "--env-file", str(env), "--profile", "*", "config", "-q"]
    told = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")


def test_it_is_the_project_that_everybody_looks_for() -> None:
    assert DOCUMENT["name"] == NAME
    assert DATA.removeprefix(f"{NAME}_") in DOCUMENT["volumes"]


def test_there_is_one_container_for_each_replica_of_the_map_and_it_is_told_who_it_is() -> None:
    expected = {
        f"{service}-{replica}": (service, str(replica))
        for service, described in TOPOLOGY.services.items()
        for replica in range(1, described.replicas + 1)
    }
    assert {
        name: (each["labels"]["firebreak.service"], each["labels"]["firebreak.replica"]) for name, each in REPLICAS.items()
    } == expected
    told = {
        name: (each["environment"]["FIREBREAK_SERVICE"], each["environment"]["FIREBREAK_REPLICA"])
        for name, each in REPLICAS.items()
    }
    assert told == expected
    assert {each["labels"]["firebreak.system"] for each in REPLICAS.values()} == {"feastfast"}


def test_replicas_are_called_by_the_names_that_their_containers_have() -> None:
    pattern = {each["environment"]["FIREBREAK_ADDRESSES"] for each in REPLICAS.values()}
    assert pattern == {f"http://{{service}}-{{replica}}:{SERVICE_PORT}"}
    assert {each["environment"]["FIREBREAK_PORT"] for each in REPLICAS.values()} == {str(SERVICE_PORT)}


def test_exactly_the_services_that_keep_data_have_a_database_and_migrate_knows_the_same_ones() -> None:
    for name, each in REPLICAS.items():
        service = each["labels"]["firebreak.service"]
        url = each["environment"].get("FIREBREAK_DATABASE_URL", "")
        assert bool(url) == TOPOLOGY.services[service].database, name
        if url:
            assert url == SERVICES["migrate"]["environment"][f"DATABASE_URL_{service.upper()}"]
            assert f"DATABASE_PASSWORD_{service.upper()}" in SECRETS


def test_all_that_may_run_stays_within_the_memory_and_the_number_of_containers_that_were_promised() -> None:
    assert len(SERVICES) <= 20
    assert sum(map(memory, SERVICES)) <= PROMISED_BYTES


def test_the_documentation_names_the_limit_of_each_container() -> None:
    text = (ROOT / "docs" / "compose.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `([a-z-]+)`[^|]*\| (\d+) MiB", text, flags=re.MULTILINE))
    assert {name: int(mib) * 2**20 for name, mib in told.items()} == {
        name: memory(name) for name in SERVICES if name not in REPLICAS
    }
    (least, most) = re.search(r"\| (\d+) to (\d+) MiB each", text).groups()  # type: ignore[union-attr]  # a missing one fails too
    of_replicas = [memory(name) // 2**20 for name in REPLICAS]
    assert (min(of_replicas), max(of_replicas)) == (int(least), int(most))


def test_programs_in_go_begin_to_collect_garbage_before_their_limit_ends_them() -> None:
    for name, each in SERVICES.items():
        limit = (each.get("environment") or {}).get("GOMEMLIMIT")
        if limit:
            assert 0.7 <= int(limit.removesuffix("MiB")) * 2**20 / memory(name) <= 0.92, name


@pytest.mark.parametrize("name", SERVICES)
def test_each_container_is_bounded_and_may_do_no_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] <= 128
    assert service["logging"]["options"]["max-size"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices", "container_name"} & set(service)
    assert service["restart"] == ("no" if name in ENDING else "unless-stopped")


@pytest.mark.parametrize("name", SERVICES)
def test_each_image_is_ours_or_of_one_fixed_version(name: str) -> None:
    image = re.sub(r"\$\{\w+:-([^}]+)\}", r"\1", SERVICES[name]["image"])
    assert image in OWN_IMAGES or PINNED.fullmatch(image), image
    assert ("build" in SERVICES[name]) <= (image in OWN_IMAGES)


@pytest.mark.parametrize("name", SERVICES)
def test_each_port_is_published_to_this_machine_alone_and_moved_by_the_variable_that_advice_names(name: str) -> None:
    for published in SERVICES[name].get("ports", []):
        found = IS_PUBLISHED_HERE.fullmatch(published)
        assert found, published
        if found["variable"]:
            assert found["variable"] == variable_of_port(name)
            assert EXAMPLE.values[found["variable"]] == found["port"]


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in ENDING and not REPLICAS.get(name)])
def test_whatever_stays_says_whether_it_is_well(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_whatever_the_system_needs_is_well_before_it_starts_and_no_program_that_watches_is_needed() -> None:
    watching = {*ADDRESSES, *LOAD_SERVICES, "grafana"}
    for name, each in REPLICAS.items():
        assert each["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}, name
        assert not watching & set(each["depends_on"]), name


def test_the_system_comes_before_whatever_watches_it_where_processors_are_short() -> None:
    shares = {name: each.get("cpu_shares", 1_024) for name, each in SERVICES.items()}
    assert all(shares[name] < 1_024 for name in {*ADDRESSES, "grafana"})
    assert all(shares[name] == 1_024 for name in REPLICAS)


def test_every_secret_is_demanded_with_the_way_out_and_drawn_by_make_up() -> None:
    demanded = {name for name, uses in variables().items() if any(kind == "?" for kind, _ in uses)}
    assert demanded == SECRETS
    assert all("`make up`" in text for name in SECRETS for kind, text in variables()[name])


def test_every_choice_of_the_example_is_one_that_compose_reads() -> None:
    choices = set(EXAMPLE.values) - SECRETS
    assert choices - {"COMPOSE_PROFILES"} <= set(variables())
    assert EXAMPLE.values["COMPOSE_PROFILES"] == LOGS


def test_every_file_that_a_container_sees_is_there_and_no_folder_is_made_in_the_place_of_one() -> None:
    for name in SERVICES:
        for inside, here in mounts(name).items():
            assert here.exists(), f"{name}: {inside}"
    long_ones = [each for service in SERVICES.values() for each in service.get("volumes", []) if isinstance(each, dict)]
    assert all(each["read_only"] and each["bind"] == {"create_host_path": False} for each in long_ones)


def test_programs_that_watch_read_what_is_written_for_them() -> None:
    assert mounts("prometheus") == {
        "/etc/prometheus/prometheus.yaml": FOLDER / "prometheus.yaml",
        "/etc/prometheus/rules.yaml": STACK / "prometheus" / "rules" / "demo.yaml",
        "/etc/prometheus/replicas.yaml": FOLDER / "replicas.yaml",
        "/etc/prometheus/targets": TARGETS,
    }
    assert mounts("alertmanager")["/etc/alertmanager/alertmanager.yaml"] == STACK / "alertmanager" / "alertmanager.yaml"
    assert mounts("grafana")["/etc/firebreak/dashboards"] == ROOT / "dashboards"


def test_prometheus_is_bounded_as_the_local_one_is() -> None:
    options = dict(each.split("=", 1) for each in SERVICES["prometheus"]["command"])
    assert {name: options.get(name) for name in BOUNDS} == dict(BOUNDS)


def test_the_load_s_metrics_are_where_prometheus_looks_for_them_and_no_load_runs_unasked() -> None:
    command = " ".join(SERVICES[LOAD_SERVICE]["command"])
    assert f"--metrics-port={LOAD_METRICS_PORT}" in command
    assert "--metrics-host=0.0.0.0" in command
    assert "--host=http://gateway-1:8080" in SERVICES["locust"]["command"]
    assert [SERVICES[name]["profiles"] for name in LOAD_SERVICES] == [["load"], ["load"]]


def test_chaos_finds_the_replicas_of_the_map_as_they_find_each_other() -> None:
    chaos, replica = SERVICES["chaos"], REPLICAS["orders-1"]
    shared = ("FIREBREAK_ADDRESSES", "FIREBREAK_TOPOLOGY", "FIREBREAK_CHAOS_TOKEN")
    assert {name: chaos["environment"][name] for name in shared} == {name: replica["environment"][name] for name in shared}
    assert (chaos["image"], chaos["volumes"]) == (replica["image"], replica["volumes"])


def test_chaos_runs_only_when_somebody_asks_and_holds_nothing_but_what_it_needs() -> None:
    chaos = SERVICES["chaos"]
    assert (chaos["profiles"], chaos["scale"], "depends_on" in chaos) == (["chaos"], 0, False)
    assert [name for name in SECRETS if name in str(chaos["environment"])] == ["FIREBREAK_CHAOS_TOKEN"]


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_sees_the_engine_s_socket(name: str) -> None:
    assert "docker" not in str(SERVICES[name].get("volumes", "")), name
    assert "DOCKER" not in str(SERVICES[name].get("environment", "")), name
