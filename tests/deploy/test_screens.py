"""What people see of the full stack."""

import io

from rich.console import Console

from chaos.targets.compose.engine import COMPOSE_SERVICE_LABEL, Container
from testbed.compose.description import Description
from testbed.compose.screens import print_containers, print_up
from tests.deploy.fakes import container


def printed() -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, width=120, highlight=False), text


def rows(text: str) -> dict[str, str]:
    cells = (line.split("  ", 1) for line in map(str.strip, text.splitlines()[2:]) if line)
    return {first: rest.strip() for first, rest in cells}


def worker(number: int) -> Container:
    labels = {COMPOSE_SERVICE_LABEL: "locust-worker", "com.docker.compose.container-number": str(number)}
    return container("locust-worker", labels=labels, name=f"firebreak-locust-worker-{number}")


def test_a_start_says_where_each_page_is_and_how_much_memory_all_may_take() -> None:
    ports = [{"host_ip": "127.0.0.1", "target": 3000, "published": "3001"}]
    services = {"grafana": {"mem_limit": "268435456", "ports": ports}, "nats": {"mem_limit": "67108864"}, "migrate": {}}
    services["chaos"] = {"scale": 0}
    out, text = printed()
    print_up(out, Description.model_validate({"services": services}), 12.4)
    assert text.getvalue().startswith("2 containers are up and healthy after 12 s, with at most 320 MiB.")
    assert "http://127.0.0.1:3001" in text.getvalue()
    assert "jaeger" not in text.getvalue()
    assert "make down" in text.getvalue()


def test_each_container_has_its_state_its_address_and_its_memory() -> None:
    out, text = printed()
    found = [
        container("orders-1", ports={8080: 40_001}),
        container("nats", state="paused"),
        container("migrate", state="exited", health=""),
        container("postgres", health="unhealthy"),
    ]
    print_containers(out, found, {"firebreak-orders-1-1": "80MiB / 112MiB"})
    shown = rows(text.getvalue())
    assert shown["orders-1"].split() == ["healthy", "http://127.0.0.1:40001", "80MiB", "/", "112MiB"]
    assert (shown["nats"], shown["migrate"], shown["postgres"]) == ("paused", "done", "unhealthy")


def test_a_migration_that_failed_is_not_called_done_and_workers_are_told_apart() -> None:
    out, text = printed()
    failed = container("migrate", state="exited", health="", exit_code=1)
    print_containers(out, [failed, worker(1), worker(2)], {})
    assert rows(text.getvalue()) == {"locust-worker 1": "healthy", "locust-worker 2": "healthy", "migrate": "exited"}
