"""What `testbed compose` prints: where the pages of the stack are, what to try, and how each container does."""

from collections.abc import Collection, Mapping
from typing import Final

from rich.console import Console
from rich.padding import Padding

from chaos.targets.compose.engine import Container
from testbed.compose.containers import state_of
from testbed.compose.description import MEBIBYTE, Description
from testbed.compose.preflight import ONCE
from testbed.ports import HOST
from testbed.stack_screen import WHAT
from testbed.terminal import table

_PAGES: Final = {
    "gateway-1": "the public API",
    "jaeger": "traces of every request",
    **WHAT,
    "locust": "the load: users are arrivals a second",
}
_STEPS: Final = (
    ("make load", "send customers, from Locust's web page"),
    ("chaos kill deliveries", "take a service away for 30 s"),
    ("make demo-compose", "prove that this stops nobody from ordering"),
    ("testbed compose status", "see every container, and the memory it takes"),
    ("make down", "stop everything; with volumes=1 its data goes as well"),
)
_STYLES: Final = {"healthy": "green", "running": "green", "starting": "yellow", "paused": "yellow", "unhealthy": "red"}
_ENDED_WELL: Final = "done"
_NUMBER: Final = "com.docker.compose.container-number"


def print_up(out: Console, description: Description, took_s: float) -> None:
    """What has been started (`took_s` seconds ago), where its pages are, and what to try."""
    started = sum(each.scale for each in description.services.values())
    count, limit = started - len(ONCE), round(description.memory_bytes / MEBIBYTE)
    out.print(f"[bold]{count} containers are up and healthy[/] after {took_s:.0f} s, with at most {limit} MiB.", soft_wrap=True)
    out.print()
    pages = table("open", "address", "what it is")
    for service, what in _PAGES.items():
        if service in description.ports:
            pages.add_row(service, f"http://{HOST}:{description.ports[service]}", what)
    steps = table("try", "to")
    for command, purpose in _STEPS:
        steps.add_row(f"[bold]{command}[/]", purpose)
    for rows in (pages, steps):
        out.print(Padding(rows, (0, 2), expand=False))
        out.print()
    out.print(
        "Everybody on this machine may look in Grafana; `admin` has the password GRAFANA_ADMIN_PASSWORD of .env.", soft_wrap=True
    )


def print_containers(out: Console, containers: Collection[Container], memory: Mapping[str, str]) -> None:
    """Every container, with its state, its addresses, and the memory that it takes of what it may take."""
    rows = table("container", "state", "address", "memory", right=("memory",))
    for each in sorted(containers, key=lambda each: (each.compose_service, each.name)):
        ended_well = each.compose_service in ONCE and each.state == "exited" and each.exit_code == 0
        state = _ENDED_WELL if ended_well else state_of(each)
        style = "dim" if ended_well else _STYLES.get(state, "red")
        addresses = ", ".join(f"http://{HOST}:{port}" for port in each.ports.values())
        rows.add_row(_name(each, containers), f"[{style}]{state}[/]", addresses, memory.get(each.name, ""))
    out.print(Padding(rows, (0, 2), expand=False))


def _name(container: Container, containers: Collection[Container]) -> str:
    """Its service's; with a number where that has several, as a load's workers."""
    several = sum(each.compose_service == container.compose_service for each in containers) > 1
    return f"{container.compose_service} {container.labels.get(_NUMBER, '')}" if several else container.compose_service
