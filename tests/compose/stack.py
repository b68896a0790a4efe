"""A private stack for one run of the tests: its own Compose project, secrets, ports and data, gone when the run ends."""

import json
import os
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from testbed.ports import free_port

ROOT: Final = Path(__file__).parents[2]
HOW_TO_GET_IT: Final = (
    "no Docker engine with Compose answers; install them, or set DOCKER_HOST: https://docs.docker.com/engine/install/"
)
SECRETS: Final = ("FIREBREAK_INTERNAL_TOKEN", "FIREBREAK_CHAOS_TOKEN", "FIREBREAK_SIGNING_KEY", "POSTGRES_PASSWORD",
                  "GRAFANA_ADMIN_PASSWORD", "GRAFANA_SECRET_KEY", "DATABASE_PASSWORD_USERS", "DATABASE_PASSWORD_RESTAURANTS",
                  "DATABASE_PASSWORD_ORDERS", "DATABASE_PASSWORD_PAYMENTS", "DATABASE_PASSWORD_DELIVERIES",
                  "DATABASE_PASSWORD_NOTIFICATIONS")  # fmt: skip
PORTS: Final = ("FIREBREAK_GATEWAY_PORT", "FIREBREAK_JAEGER_PORT", "FIREBREAK_PROMETHEUS_PORT", "FIREBREAK_ALERTMANAGER_PORT",
                "FIREBREAK_GRAFANA_PORT", "FIREBREAK_LOKI_PORT", "FIREBREAK_LOCUST_PORT")  # fmt: skip
WITH_THEM: Final = ("postgres", "nats")
_PULL_S: Final = 600.0
_COMMAND_S: Final = 300.0


def docker(*arguments: str, timeout_s: float = _COMMAND_S) -> subprocess.CompletedProcess[str]:
    """The `docker` command, whatever becomes of it."""
    command = [shutil.which("docker") or "docker", *arguments]
    return subprocess.run(command, capture_output=True, check=False, text=True, timeout=timeout_s)


def is_here() -> bool:
    """Whether an engine answers, and `docker compose` does."""
    asked = (("version", "--format", "{{.Server.Version}}"), ("compose", "version"))
    return shutil.which("docker") is not None and all(docker(*each).returncode == 0 for each in asked)


def can_have(image: str) -> bool:
    """Whether an image is here, or can be pulled."""
    if docker("image", "inspect", image).returncode == 0:
        return True
    try:
        return docker("pull", "--quiet", image, timeout_s=_PULL_S).returncode == 0
    except subprocess.TimeoutExpired:
        return False


class Stack:
    """The checkout's compose.yaml under a name of its own."""

    def __init__(self, folder: Path) -> None:
        self.name = f"firebreak-test-{os.getpid()}"
        self.ports = {name: free_port() for name in PORTS}
        self.secrets = {name: secrets.token_urlsafe(24) for name in SECRETS}
        self._env_file = folder / "env"
        self._env_file.touch(mode=0o600)
        pairs = {**self.secrets, **{name: str(port) for name, port in self.ports.items()}}
        self._env_file.write_text("".join(f"{name}={value}\n" for name, value in pairs.items()))
        self.document: dict[str, Any] = json.loads(self.compose("config", "--format", "json").stdout)

    @property
    def replicas(self) -> list[str]:
        """Names of the services' containers in the compose file: orders-2, ..."""
        return [name for name, each in self.document["services"].items() if "firebreak.service" in each.get("labels", {})]

    def image(self, service: str) -> str:
        """That a service runs."""
        return str(self.document["services"][service]["image"])

    def compose(
        self, *arguments: str, check: bool = True, said: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """`docker compose` on this stack; `said` is its standard input. Raises AssertionError with what it said when it fails."""
        done = subprocess.run(
            self.command(*arguments), input=said, capture_output=True, text=True, check=False, timeout=_COMMAND_S,
            cwd=ROOT, env=self.environment | environment,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done

    @property
    def environment(self) -> dict[str, str]:
        """Of every command: nothing of ours, so that the .env and the shell of whoever runs the tests change nothing."""
        foreign = {name: value for name, value in os.environ.items() if not name.startswith(("FIREBREAK_", "COMPOSE_"))}
        return foreign | {name: os.environ[name] for name in ("FIREBREAK_IMAGE",) if name in os.environ}

    def command(self, *arguments: str) -> list[str]:
        """The command line."""
        return [
            "docker",
            "compose",
            "-p",
            self.name,
            "--env-file",
            str(self._env_file),
            "-f",
            str(ROOT / "compose.yaml"),
            *arguments,
        ]

    def inspect(self, service: str) -> dict[str, Any]:
        """What the engine knows of a service's container."""
        (container,) = self.compose("ps", "--all", "--quiet", service).stdout.split()
        found: dict[str, Any] = json.loads(docker("inspect", container).stdout)[0]
        return found

    def run_in(self, service: str, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Executes a command in a container."""
        return self.compose("exec", "-T", service, *command, check=check)

    def ask(self, container: str, /, **request: object) -> dict[str, Any]:
        """Asks process 1 of a container, as the chaos command does."""
        command = ("exec", "-T", container, "python", "-m", "testbed.container", "ask")
        answer: dict[str, Any] = json.loads(self.compose(*command, said=json.dumps(request) + "\n").stdout)
        return answer

    def instance(self, service: str) -> dict[str, Any]:
        """What process 1 of a container says of its replica."""
        found: dict[str, Any] = self.ask(service, op="status")["status"]["instances"][0]
        return found

    def down(self) -> list[str]:
        """Ends and removes everything; returns what is left of it nevertheless."""
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5")
        mine = ["--quiet", "--filter", f"label=com.docker.compose.project={self.name}"]
        kinds = (["ps", "--all", *mine], ["volume", "ls", *mine], ["network", "ls", *mine])
        return [line for kind in kinds for line in docker(*kind).stdout.split()]
