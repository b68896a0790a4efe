"""Makes the service containers of a project anew with other variables, by Docker Compose; nothing else of it is touched."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from chaos.targets.compose.docker import DockerCommand
from chaos.targets.compose.engine import CONFIG_FILES_LABEL, ENV_FILES_LABEL, EngineError
from chaos.targets.compose.project import Project

HEALTHY_TIMEOUT_S: Final = 120
"""Longest wait for all of them to be healthy."""
_GRACE_S: Final = 60.0
_LAST_LINES: Final = 12


class Compose(Protocol):
    """A way to Docker Compose."""

    def recreate(self, project: Project, variables: Mapping[str, str]) -> None:
        """Makes the project's services anew, with these variables for its Compose file, and waits until they are healthy.

        Raises EngineError.
        """
        ...


class DockerCompose:
    """The `docker compose` on the PATH."""

    def recreate(self, project: Project, variables: Mapping[str, str]) -> None:
        """See Compose."""
        names = [container.compose_service for container in project.services.values()]
        answer = DockerCommand(variables=variables).ask(
            *("compose", *_place(project), "up", "--detach", "--no-build", "--force-recreate"),
            *("--wait", "--wait-timeout", str(HEALTHY_TIMEOUT_S), *names),
            timeout_s=HEALTHY_TIMEOUT_S + _GRACE_S,
        )
        if answer.code:
            raise EngineError(_why(answer.err or answer.out))


def _place(project: Project) -> Sequence[str]:
    """The very files that the project was started from."""
    labels = project.any_service.labels
    files = [path for path in labels.get(CONFIG_FILES_LABEL, "").split(",") if path]
    env_files = [path for path in labels.get(ENV_FILES_LABEL, "").split(",") if path]
    place = ["--project-name", project.name, "--project-directory", str(project.working_dir)]
    place += [part for path in files for part in ("--file", path)]
    return place + [part for path in env_files for part in ("--env-file", path)]


def _why(said: str) -> str:
    if "is not a docker command" in said or "unknown flag: --project-name" in said:
        return (
            "`docker compose` is not there (the old `docker-compose` does not do); install Docker's Compose plugin, 2.21 or newer"
        )
    lines = [line.rstrip() for line in said.splitlines() if line.strip()]
    return "\n".join(["docker compose could not make the services anew:", *(f"  {line}" for line in lines[-_LAST_LINES:])])
