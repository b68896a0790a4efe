"""A load of this machine is shown to a Prometheus in a container."""

from pathlib import Path

from chaos.experiment.compose_load import DESKTOP, shown_to_containers
from chaos.experiment.load_process import LoadSchedule
from chaos.experiment.model import Load
from tests.deploy.fakes import FakeDocker, said

SCHEDULE = LoadSchedule(
    load=Load(rates_per_s={"browse": 1.0}),
    pace=1.0,
    surge=None,
    host="http://127.0.0.1:8080",
    seed=1,
    run_s=1.0,
    record=Path("record"),
    log=Path("log"),
    targets=Path("of the arm"),
    run="r",
    arm="a",
)


def test_its_metrics_are_at_this_machine_s_end_of_the_containers_network(tmp_path: Path) -> None:
    docker = FakeDocker({"network inspect mine_default": said("127.0.0.7\n")})
    shown = shown_to_containers(SCHEDULE, "mine", docker, tmp_path)
    assert (shown.targets, shown.metrics_host, shown.metrics_seen_at) == (tmp_path, "127.0.0.7", "127.0.0.7")
    assert "--metrics-host 127.0.0.7" in " ".join(shown.command(9_646))


def test_where_that_end_is_in_a_virtual_machine_they_stay_on_the_loopback_under_its_name_there(tmp_path: Path) -> None:
    for answer in (said("192.0.2.1\n"), said(code=1, err="no such network")):
        shown = shown_to_containers(SCHEDULE, "mine", FakeDocker({"network inspect": answer}), tmp_path)
        assert (shown.metrics_host, shown.metrics_seen_at) == ("127.0.0.1", DESKTOP)


def test_loads_that_were_killed_are_forgotten(tmp_path: Path) -> None:
    (tmp_path / "load-999999999.json").touch()
    shown_to_containers(SCHEDULE, "mine", FakeDocker(), tmp_path)
    assert list(tmp_path.iterdir()) == []
