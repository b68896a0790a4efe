"""What the programs of the stack are told, checked by the programs that can check it."""

import configparser
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.policy import Profile
from services.topology import default_topology_path, load_topology, topology_from_text
from testbed.data import SqliteData
from testbed.ports import choose_ports
from testbed.request import SystemRequest
from testbed.run import RunFolder
from testbed.stack.program_plan import ProgramPlan
from testbed.stack.programs import WELL_KNOWN_PORTS, find_programs
from testbed.stack.stack_plan import StackPlan, plan_stack

PORTS = {"gateway": 8_080, "traces": 16_686, "otlp": 4_318, "prometheus": 9_090, "alertmanager": 9_093, "grafana": 3_000}
ALL = {"prometheus": Path("/bin/prometheus"), "alertmanager": Path("/bin/alertmanager"), "grafana": Path("/bin/grafana-server")}
SHOP = topology_from_text("services:\n  shop: {module: shop, port: 18080, entry: true}\n")


def request(folder: Path, programs: Mapping[str, Path] | None, **changes: Any) -> SystemRequest:
    fields: dict[str, Any] = {
        "folder": RunFolder(folder),
        "topology_path": default_topology_path().absolute(),
        "topology": load_topology(),
        "profile": Profile.DECLARED,
        "without": (),
        "ports": {},
        "free_ports": False,
        "seed": 1,
        "run_id": "r1",
        "arm": "none",
        "log_level": "INFO",
        "notify_socket": folder / "notify.sock",
        "data": SqliteData(folder / "data"),
        "programs": programs,
    }
    return SystemRequest(**fields | changes)


def planned(folder: Path, programs: Mapping[str, Path] | None, **changes: Any) -> dict[str, ProgramPlan]:
    return {plan.name: plan for plan in plan_stack(request(folder, programs, **changes), PORTS).programs}


def test_nobody_s_wish_plans_nothing_and_an_empty_path_names_everything(tmp_path: Path) -> None:
    assert plan_stack(request(tmp_path, None), PORTS) == StackPlan()
    plan = plan_stack(request(tmp_path, {}), PORTS)
    assert plan.programs == ()
    assert [(each.name, each.state) for each in plan.missing] == [(name, "missing") for name in WELL_KNOWN_PORTS]
    assert "apt install prometheus" in plan.missing[0].note


def test_programs_are_found_by_each_name_that_they_go_by() -> None:
    here = {"prometheus-alertmanager": "/usr/bin/prometheus-alertmanager", "grafana": "/opt/grafana"}
    assert find_programs(here.get) == {
        "alertmanager": Path("/usr/bin/prometheus-alertmanager"),
        "grafana": Path("/opt/grafana"),
    }


def test_everything_listens_on_this_machine_alone_and_keeps_its_files_in_the_system_s_folder(tmp_path: Path) -> None:
    for name, plan in planned(tmp_path, ALL).items():
        assert plan.folder == tmp_path / "stack" / name
        assert plan.address == f"http://127.0.0.1:{PORTS[name]}"
    prometheus, alertmanager, _ = (plan.arguments for plan in planned(tmp_path, ALL).values())
    assert "--web.listen-address=127.0.0.1:9090" in prometheus
    assert "--web.listen-address=127.0.0.1:9093" in alertmanager
    assert "--cluster.listen-address=" in alertmanager


def test_prometheus_asks_the_system_s_targets_each_second_and_tells_alertmanager(tmp_path: Path) -> None:
    told = yaml.safe_load(planned(tmp_path, ALL)["prometheus"].files()["prometheus.yaml"])
    assert told["global"]["scrape_interval"] == "1s"
    assert told["global"]["external_labels"] == {"run": "r1", "arm": "none"}
    assert told["scrape_configs"][0]["file_sd_configs"][0]["files"] == [f"{tmp_path}/targets/*.json"]
    assert told["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["127.0.0.1:9093"]}]}]


def test_without_alertmanager_nobody_is_told_and_outside_of_a_run_no_arm_is_named(tmp_path: Path) -> None:
    plan = plan_stack(request(tmp_path, {"prometheus": Path("/p")}, arm=""), {"prometheus": 9_090, "traces": 1})
    told = yaml.safe_load(plan.programs[0].files()["prometheus.yaml"])
    assert told["alerting"]["alertmanagers"] == []
    assert told["global"]["external_labels"] == {"run": "r1"}


def test_feastfast_s_objectives_are_watched_on_its_own_map_and_on_a_changed_one_alike(tmp_path: Path) -> None:
    copy = tmp_path / "changed.yaml"
    copy.write_text(default_topology_path().read_text())
    own, changed = planned(tmp_path, ALL), planned(tmp_path, ALL, topology_path=copy)
    for name, file in (("prometheus", "rules.yaml"), ("alertmanager", "alertmanager.yaml")):
        assert own[name].files()[file] == changed[name].files()[file]
    assert "JourneyBurnsErrorBudget" in own["prometheus"].files()["rules.yaml"]


def test_another_system_s_map_has_no_objectives_and_so_no_alerts(tmp_path: Path) -> None:
    plans = planned(tmp_path, ALL, topology=SHOP, topology_path=tmp_path / "shop.yaml")
    assert yaml.safe_load(plans["prometheus"].files()["rules.yaml"]) == {"groups": []}
    assert yaml.safe_load(plans["alertmanager"].files()["alertmanager.yaml"])["route"] == {"receiver": "nobody"}


def test_a_program_that_is_not_where_people_look_says_why(tmp_path: Path) -> None:
    ports = PORTS | {"prometheus": 40_001}
    plan = plan_stack(request(tmp_path, {"prometheus": Path("/p")}), ports).programs[0]
    assert plan.note.startswith("port 9090 is taken")
    assert plan.note.endswith(", so it listens on 40001")
    for expected in ({"free_ports": True}, {"ports": {"prometheus": 40_001}}):
        assert plan_stack(request(tmp_path, {"prometheus": Path("/p")}, **expected), ports).programs[0].note == ""


def test_grafana_is_provisioned_with_the_data_sources_that_dashboards_name(tmp_path: Path) -> None:
    files = planned(tmp_path, ALL)["grafana"].files()
    sources = {each["uid"]: each for each in yaml.safe_load(files["provisioning/datasources/firebreak.yaml"])["datasources"]}
    assert {uid: (each["type"], each["url"]) for uid, each in sources.items()} == {
        "prometheus": ("prometheus", "http://127.0.0.1:9090"),
        "jaeger": ("jaeger", "http://127.0.0.1:16686"),
        "alertmanager": ("alertmanager", "http://127.0.0.1:9093"),
    }
    assert sources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"] == [
        {"name": "trace_id", "datasourceUid": "jaeger"},
        {"name": "trace_id", "url": "http://127.0.0.1:16686/trace/$${__value.raw}", "urlDisplayLabel": "Trace with its logs"},
    ]
    assert sources["jaeger"]["jsonData"]["nodeGraph"] == {"enabled": True}
    provider = yaml.safe_load(files["provisioning/dashboards/firebreak.yaml"])["providers"][0]
    assert list(Path(provider["options"]["path"]).glob("*.json")) != []


def test_grafana_calls_nobody_and_lets_everybody_on_this_machine_look_but_change_nothing(tmp_path: Path) -> None:
    plan = planned(tmp_path, ALL)["grafana"]
    settings = configparser.ConfigParser(interpolation=None)
    settings.read_string("[top]\n" + plan.files()["grafana.ini"])
    assert settings["server"]["http_addr"] == "127.0.0.1"
    calls = [("analytics", "reporting_enabled"), ("analytics", "check_for_updates"), ("analytics", "check_for_plugin_updates")]
    calls += [("news", "news_feed_enabled"), ("plugins", "preinstall_auto_update"), ("snapshots", "external_enabled")]
    assert {settings[section][key] for section, key in calls} == {"false"}
    assert settings["plugins"]["preinstall_disabled"] == "true"
    assert (settings["auth.anonymous"]["enabled"], settings["auth.anonymous"]["org_role"]) == ("true", "Viewer")
    assert len(settings["security"]["admin_password"]) == 32
    assert settings["security"]["admin_password"] not in " ".join(plan.arguments)


def test_grafana_s_passwords_are_drawn_anew_and_readable_by_the_owner_only(tmp_path: Path) -> None:
    plan = planned(tmp_path, ALL)["grafana"]
    assert plan.files()["grafana.ini"] != plan.files()["grafana.ini"]
    plan.prepare()
    assert (plan.folder / "grafana.ini").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("binary", "defaults", "command"),
    [
        ("bin/grafana-server", "conf/defaults.ini", []),
        ("bin/grafana", "conf/defaults.ini", ["server"]),
        ("bin/grafana", "share/grafana/conf/defaults.ini", ["server"]),
    ],
)
def test_grafana_is_told_where_its_own_files_are_however_it_was_installed(
    tmp_path: Path, binary: str, defaults: str, command: list[str]
) -> None:
    for name in (binary, defaults):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    home = (tmp_path / defaults).parents[1]
    arguments = planned(tmp_path / "state", {"grafana": tmp_path / binary})["grafana"].arguments
    assert arguments == (
        str(tmp_path / binary),
        *command,
        f"--config={tmp_path}/state/stack/grafana/grafana.ini",
        f"--homepath={home}",
    )


@pytest.mark.server
@pytest.mark.usefixtures("stack_on")
def test_prometheus_and_alertmanager_accept_what_they_are_told(tmp_path: Path) -> None:
    plans = planned(tmp_path, ALL)
    for plan in (plans["prometheus"], plans["alertmanager"]):
        plan.prepare()
    checks = (
        ["promtool", "check", "config", str(tmp_path / "stack/prometheus/prometheus.yaml")],
        ["amtool", "check-config", str(tmp_path / "stack/alertmanager/alertmanager.yaml")],
    )
    for check in checks:
        told = subprocess.run(check, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr


def test_ports_of_the_stack_are_chosen_with_all_others() -> None:
    ports = choose_ports(SHOP, {}, free_ports=True, programs=WELL_KNOWN_PORTS)
    assert set(ports) == {"shop", "traces", "otlp", *WELL_KNOWN_PORTS}
