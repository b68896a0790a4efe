from dataclasses import replace
from pathlib import Path

import pytest

from observability.trace_options import TracePath
from services.policy import Profile, Switch
from services.topology import topology_from_text
from testbed.data import SqliteData
from testbed.migration import VARIABLE, Work
from testbed.plan import SystemPlan, plan_system
from testbed.request import SystemRequest
from testbed.run import RunFolder, Secrets
from testbed.telemetry import modules_of

SECRETS = Secrets(internal_token="i", chaos_token="c", signing_key="s")
PORTS = {"shop": 18_080, "traces": 1, "otlp": 2}
TOPOLOGY = topology_from_text("""
services:
  shop: {module: shop.main, port: 18080, entry: true}
  stock: {module: stock.main, replicas: 2, database: true}
edges:
  shop->stock: {}
""")


@pytest.fixture
def request_(tmp_path: Path) -> SystemRequest:
    return SystemRequest(
        folder=RunFolder(tmp_path),
        topology_path=tmp_path / "shop.yaml",
        topology=TOPOLOGY,
        profile=Profile.DECLARED,
        without=(Switch.parse("breaker@shop->stock", ("shop->stock",), ()), Switch.parse("retry", (), ())),
        ports={},
        free_ports=False,
        seed=7,
        run_id="r1",
        arm="none",
        log_level="INFO",
        notify_socket=tmp_path / "notify.sock",
        data=SqliteData(tmp_path / "data"),
    )


@pytest.fixture
def plan(request_: SystemRequest) -> SystemPlan:
    return plan_system(request_, PORTS, SECRETS)


def test_every_replica_is_planned_and_the_store_comes_first(plan: SystemPlan) -> None:
    assert [instance.name for instance in plan.instances] == ["telemetry/1", "shop/1", "stock/1", "stock/2"]
    assert modules_of(TOPOLOGY) == ("testbed.migrator", "observability.store.main", "shop.main", "stock.main")


def test_a_process_is_told_who_it_is_and_everything_it_needs(plan: SystemPlan, tmp_path: Path) -> None:
    command = plan.instances[3].command(0)
    assert command.log == tmp_path / "logs" / "stock-2.jsonl"
    assert command.environment == {
        "FIREBREAK_SERVICE": "stock",
        "FIREBREAK_REPLICA": "2",
        "FIREBREAK_HOST": "127.0.0.1",
        "FIREBREAK_PORT": "0",
        "FIREBREAK_TOPOLOGY": str(tmp_path / "shop.yaml"),
        "FIREBREAK_REGISTRY": str(tmp_path / "registry.json"),
        "FIREBREAK_DATABASE_URL": f"sqlite:///{tmp_path}/data/stock.sqlite",
        "FIREBREAK_NATS_URL": "",
        "FIREBREAK_NATS_STREAM": "",
        "FIREBREAK_PROFILE": "declared",
        "FIREBREAK_WITHOUT": "breaker@shop->stock,retry",
        "FIREBREAK_OTLP_ENDPOINT": "http://127.0.0.1:2",
        "FIREBREAK_TRACING": "default",
        "FIREBREAK_TRACE_RATIO": "1.0",
        "FIREBREAK_EXPORTER": str(tmp_path / "exporter.sock"),
        "FIREBREAK_INTERNAL_TOKEN": "i",
        "FIREBREAK_CHAOS_TOKEN": "c",
        "FIREBREAK_SIGNING_KEY": "s",
        "FIREBREAK_RUN_ID": "r1",
        "FIREBREAK_ARM": "none",
        "FIREBREAK_SEED": "7",
        "FIREBREAK_LOG_LEVEL": "INFO",
        "NOTIFY_SOCKET": str(tmp_path / "notify.sock"),
    }


def test_services_hand_their_spans_to_an_exporter_that_sends_them_to_the_store(request_: SystemRequest) -> None:
    plan = plan_system(replace(request_, tracing=TracePath.LEAN, trace_ratio=0.1), PORTS, SECRETS)
    told = plan.instances[1].command(0).environment
    assert (told["FIREBREAK_TRACING"], told["FIREBREAK_TRACE_RATIO"]) == ("lean", "0.1")
    assert plan.exporter is not None
    assert plan.exporter.environment == {
        "FIREBREAK_EXPORTER": told["FIREBREAK_EXPORTER"],
        "FIREBREAK_OTLP_ENDPOINT": "http://127.0.0.1:2",
    }
    assert plan.exporter.module in modules_of(TOPOLOGY, exporter=True)


def test_a_collector_of_ones_own_gets_what_the_store_would_have_got(request_: SystemRequest) -> None:
    plan = plan_system(replace(request_, collector="https://collector:4318"), PORTS, SECRETS)
    assert plan.exporter is not None
    told = [plan.exporter.environment, *(instance.command(0).environment for instance in plan.instances[1:])]
    assert {each["FIREBREAK_OTLP_ENDPOINT"] for each in told} == {"https://collector:4318"} == {plan.collector}
    assert plan.instances[0].environment["FIREBREAK_OTLP_PORT"] == "2", "the store still takes what is sent to it"


def test_where_there_are_no_such_sockets_each_service_exports_by_itself(
    request_: SystemRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    plan = plan_system(request_, PORTS, SECRETS)
    assert plan.exporter is None
    assert plan.instances[1].command(0).environment["FIREBREAK_EXPORTER"] == ""


def test_a_service_without_a_database_is_given_none(plan: SystemPlan) -> None:
    assert plan.instances[1].command(18_080).environment["FIREBREAK_DATABASE_URL"] == ""


def test_the_migrator_is_told_every_database_and_no_server_for_files(plan: SystemPlan, tmp_path: Path) -> None:
    assert plan.migrator is not None
    work = Work.model_validate_json(plan.migrator.environment[VARIABLE])
    assert {name: (data.module, data.url) for name, data in work.services.items()} == {
        "stock": ("stock.main", f"sqlite:///{tmp_path}/data/stock.sqlite")
    }
    assert (work.server, plan.data) == ("", f"{tmp_path}/data")


def test_the_store_is_told_its_file_and_both_its_ports(plan: SystemPlan, tmp_path: Path) -> None:
    environment = plan.instances[0].command(1).environment
    assert environment["FIREBREAK_STORE_PATH"] == str(tmp_path / "telemetry.sqlite")
    assert (environment["FIREBREAK_PORT"], environment["FIREBREAK_OTLP_PORT"]) == ("1", "2")
