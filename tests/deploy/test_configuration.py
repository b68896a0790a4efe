"""What the programs of the full stack are told: written from the map, of one piece, and valid for them."""

import configparser
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from observability.slo.__main__ import STACK
from services.topology import load_topology, topology_from_text
from testbed.compose.configuration import ADDRESSES, FOLDER, LOAD_METRICS_PORT, TARGETS, generated, write
from testbed.scrape_targets import ScrapeTarget
from tests.deploy.compose_file import REPLICAS, SERVICES

MADE = generated(load_topology())
SHOP = topology_from_text("services:\n  shop: {module: shop, entry: true}\n  till: {module: till, replicas: 2}\n")


def read(name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return parsed


def scrapes(text: str) -> dict[str, Any]:
    return {each["job_name"]: each for each in yaml.safe_load(text)["scrape_configs"]}


SOURCES = {each["uid"]: each for each in read("grafana/data-sources.yaml")["datasources"]}


@pytest.mark.parametrize("path", MADE, ids=str)
def test_the_committed_files_are_those_that_make_rules_writes(path: Path) -> None:
    assert (FOLDER / path).read_text(encoding="utf-8") == MADE[path]


def test_writing_them_makes_the_folders_that_are_missing(tmp_path: Path) -> None:
    assert {path.relative_to(tmp_path) for path in write(tmp_path, MADE)} == set(MADE)


def test_prometheus_asks_every_container_of_a_replica_under_the_labels_that_local_ones_have() -> None:
    found = scrapes(MADE[Path("prometheus.yaml")])["system"]["static_configs"]
    assert {group["targets"][0]: group["labels"] for group in found} == {
        f"{name}:8080": ScrapeTarget("", "feastfast", service, f"{service}/{replica}").labels()
        for name, each in REPLICAS.items()
        for service, replica in [(each["labels"]["firebreak.service"], each["labels"]["firebreak.replica"])]
    }


def test_another_map_has_other_targets() -> None:
    found = scrapes(generated(SHOP)[Path("prometheus.yaml")])["system"]["static_configs"]
    assert [group["targets"] for group in found] == [["shop-1:8080"], ["till-1:8080"], ["till-2:8080"]]


def test_loads_are_found_by_the_name_of_their_workers_and_in_files_of_this_machine() -> None:
    found = scrapes(MADE[Path("prometheus.yaml")])
    assert found["load"]["dns_sd_configs"][0]["names"] == ["locust-worker"]
    assert found["load"]["dns_sd_configs"][0]["port"] == LOAD_METRICS_PORT
    relabelled = {each["target_label"]: each["replacement"] for each in found["load"]["relabel_configs"]}
    assert relabelled == {"service": "load", "instance": "load/$1"}
    assert found["host"]["file_sd_configs"][0]["files"] == ["/etc/prometheus/targets/*.json"]


def test_nothing_is_sent_to_anybody_else() -> None:
    told = read("prometheus.yaml")
    assert not {"remote_write", "remote_read"} & set(told)
    assert told["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]
    assert read("loki.yaml")["analytics"] == {"reporting_enabled": False}


@pytest.mark.server
@pytest.mark.usefixtures("stack_on")
def test_prometheus_and_alertmanager_accept_what_they_are_told(tmp_path: Path) -> None:
    rules = STACK / "prometheus" / "rules" / "demo.yaml"
    config = tmp_path / "prometheus.yaml"
    replicas = FOLDER / "replicas.yaml"
    told = MADE[Path("prometheus.yaml")].replace("/etc/prometheus/rules.yaml", str(rules))
    config.write_text(told.replace("/etc/prometheus/replicas.yaml", str(replicas)), encoding="utf-8")
    checks = (
        ["promtool", "check", "config", str(config)],
        ["promtool", "check", "rules", str(rules)],
        ["amtool", "check-config", str(STACK / "alertmanager" / "alertmanager.yaml")],
    )
    for check in checks:
        done = subprocess.run(check, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.server
@pytest.mark.usefixtures("stack_on")
def test_replicas_are_counted_as_a_local_supervisor_counts_them(tmp_path: Path) -> None:
    series = [
        {"series": f'up{{job="feastfast", service="orders", instance="orders/{n}"}}', "values": f"{n % 2}x5"} for n in (1, 2)
    ]
    counts = {"orders": {"up": 1, "down": 1}, "users": {"up": 1, "down": 0}}
    series.append({"series": 'up{job="feastfast", service="users", instance="users/1"}', "values": "1x5"})
    wanted = [
        {
            "expr": f'testbed_replicas{{service="{service}"}}',
            "eval_time": "4s",
            "exp_samples": [
                {"labels": f'testbed_replicas{{service="{service}", state="{state}"}}', "value": value}
                for state, value in each.items()
            ],
        }
        for service, each in counts.items()
    ]
    tests = {"interval": "1s", "input_series": series, "promql_expr_test": wanted}
    document = {"rule_files": [str(FOLDER / "replicas.yaml")], "evaluation_interval": "1s", "tests": [tests]}
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    check = ["promtool", "test", "rules", str(tmp_path / "test.yaml")]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_grafana_s_data_sources_are_the_containers_that_listen_there() -> None:
    assert {uid: source["url"] for uid, source in SOURCES.items()} == ADDRESSES
    assert {uid: source["type"] for uid, source in SOURCES.items()} == {uid: uid for uid in ADDRESSES}
    assert set(ADDRESSES) <= set(SERVICES)


def test_a_trace_leads_to_the_logs_of_all_services_and_a_line_of_them_to_its_trace() -> None:
    logs = SOURCES["jaeger"]["jsonData"]["tracesToLogsV2"]
    assert (logs["datasourceUid"], logs["customQuery"]) == ("loki", True)
    assert logs["query"] == '{service_namespace="feastfast"} | trace_id="$${__span.traceId}"'
    field = SOURCES["loki"]["jsonData"]["derivedFields"][0]
    assert (field["datasourceUid"], field["matcherType"], field["matcherRegex"]) == ("jaeger", "label", "trace_id")
    assert field["url"] == "$${__value.raw}"


def test_an_exemplar_leads_to_its_trace_in_grafana_and_to_the_page_that_jaeger_publishes() -> None:
    inside, outside = SOURCES["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert inside == {"name": "trace_id", "datasourceUid": "jaeger"}
    assert outside["url"] == "http://127.0.0.1:${FIREBREAK_JAEGER_PORT}/trace/$${__value.raw}"
    assert "FIREBREAK_JAEGER_PORT" in SERVICES["grafana"]["environment"]


def test_grafana_lets_everybody_look_and_takes_its_passwords_from_the_environment() -> None:
    settings = configparser.ConfigParser(interpolation=None)
    settings.read_string("[top]\n" + (FOLDER / "grafana" / "grafana.ini").read_text(encoding="utf-8"))
    assert (settings["auth.anonymous"]["enabled"], settings["auth.anonymous"]["org_role"]) == ("true", "Viewer")
    assert "admin_password" not in settings["security"]
    assert {"GF_SECURITY_ADMIN_PASSWORD", "GF_SECURITY_SECRET_KEY"} <= set(SERVICES["grafana"]["environment"])
    assert settings["dashboards"]["default_home_dashboard_path"] == '"""/etc/firebreak/dashboards/overview.json"""'


def test_jaeger_s_parts_are_those_that_its_pipeline_names() -> None:
    told = read("jaeger.yaml")
    pipeline = told["service"]["pipelines"]["traces"]
    for kind, named in (*pipeline.items(), ("extensions", told["service"]["extensions"])):
        assert set(named) == set(told[kind]), kind
    (storage,) = told["extensions"]["jaeger_storage"]["backends"]
    assert told["extensions"]["jaeger_query"]["storage"] == {"traces": storage}
    assert told["exporters"]["jaeger_storage_exporter"] == {"trace_storage": storage}
    assert told["extensions"]["jaeger_storage"]["backends"][storage]["memory"]["max_traces"] > 0


def test_jaeger_listens_where_services_send_where_people_look_and_where_its_container_is_looked_at() -> None:
    told = read("jaeger.yaml")
    otlp = told["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert SERVICES["gateway-1"]["environment"]["FIREBREAK_OTLP_ENDPOINT"].endswith(f"http://jaeger:{otlp.rpartition(':')[2]}}}")
    assert SERVICES["jaeger"]["ports"][0].endswith(
        f":{told['extensions']['jaeger_query']['http']['endpoint'].rpartition(':')[2]}"
    )
    assert told["extensions"]["healthcheckv2"]["http"]["endpoint"] in SERVICES["jaeger"]["healthcheck"]["test"][-1]


def test_loki_forgets_and_cannot_be_flooded() -> None:
    told = read("loki.yaml")
    assert told["limits_config"]["retention_period"] == "24h"
    assert told["compactor"]["retention_enabled"] is True
    assert told["limits_config"]["ingestion_rate_mb"] <= 1
    assert told["server"]["http_listen_port"] == 3_100


def test_targets_of_loads_are_files_of_a_folder_that_is_there_and_of_which_none_is_committed() -> None:
    assert (TARGETS / ".gitignore").read_text(encoding="utf-8").splitlines() == ["*", "!.gitignore"]
