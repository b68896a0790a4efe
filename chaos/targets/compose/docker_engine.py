"""The Docker engine, asked by its own command: that knows contexts, sockets and remote engines, and we need not."""

import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from chaos.targets.compose.engine import ONE_OFF_LABEL, PROJECT_LABEL, Container, EngineError, GoneError, StoppedError
from chaos.targets.compose.inspection import read_inspection

TIMEOUT_S: Final = 15.0
"""Of one request; an engine on a busy machine needs up to a second to start a container."""
_LISTING_TRIES: Final = 3
NO_DOCKER: Final = "docker is not on the PATH; install Docker Engine with Compose 2.21 or newer"
_GONE: Final = "no such container"
_NOT_RUNNING: Final = ("is not running", "is restarting")


class DockerEngine:
    """An Engine.

    Args:
        program: The command.
        timeout_s: Longest wait for one answer.
    """

    def __init__(self, program: str = "docker", timeout_s: float = TIMEOUT_S) -> None:
        self._program = program
        self._timeout_s = timeout_s

    @property
    def is_installed(self) -> bool:
        """Whether its command is on the PATH."""
        return shutil.which(self._program) is not None

    def containers(self, project: str) -> tuple[Container, ...]:
        """See Engine. One that goes between the two questions makes both be asked again."""
        for attempt in range(1, _LISTING_TRIES + 1):
            listed = self._run("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={PROJECT_LABEL}={project}").decode()
            if not listed.split():
                return ()
            try:
                found = read_inspection(self._run("container", "inspect", *listed.split()))
            except GoneError:
                if attempt == _LISTING_TRIES:
                    raise
                continue
            return tuple(each for each in found if each.labels.get(ONE_OFF_LABEL, "False").lower() != "true")
        raise AssertionError  # The last try returns or raises.

    def run_inside(self, container_id: str, command: Sequence[str], stdin: bytes = b"", timeout_s: float = TIMEOUT_S) -> bytes:
        """See Engine."""
        return self._run("exec", "--interactive", container_id, *command, stdin=stdin, timeout_s=timeout_s)

    def kill(self, container_ids: Collection[str]) -> None:
        """See Engine."""
        self._run("kill", *container_ids, passing_over=_NOT_RUNNING)

    def start(self, container_ids: Collection[str]) -> None:
        """See Engine."""
        self._run("start", *container_ids, passing_over=(_GONE,))

    def states(self, container_ids: Collection[str]) -> Mapping[str, str]:
        """See Engine."""
        template = "{{.Id}} {{.State.Status}}"
        lines = self._run("container", "inspect", "--format", template, *container_ids, passing_over=(_GONE,)).decode()
        pairs = (line.partition(" ") for line in lines.splitlines())
        return {name: state for name, _, state in pairs if state}

    def _run(
        self, *arguments: str, stdin: bytes = b"", timeout_s: float | None = None, passing_over: Sequence[str] = ()
    ) -> bytes:
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        try:
            done = subprocess.run([self._program, *arguments], input=stdin, capture_output=True, timeout=limit_s, check=False)
        except FileNotFoundError:
            raise EngineError(NO_DOCKER) from None
        except OSError as error:
            raise EngineError(f"{self._program} cannot be executed: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            raise EngineError(f"docker {arguments[0]}: no answer within {limit_s:g} s; see whether: docker info") from None
        if done.returncode:
            self._refuse(arguments[0], done.stderr.decode(errors="replace"), passing_over)
        return done.stdout

    @staticmethod
    def _refuse(verb: str, said: str, passing_over: Sequence[str]) -> None:
        """Raises what fits; nothing if each line is one that may be passed over."""
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        serious = [line for line in lines if not any(each in line.lower() for each in passing_over)]
        serious = [line for line in serious if not line.startswith("Error: failed to")]  # The command's own summary.
        if lines and not serious:
            return
        raise _error(verb, serious[0] if serious else "ended without a word")


def _error(verb: str, line: str) -> EngineError:
    text = line.lower()
    if "permission denied" in text and "sock" in text:
        return EngineError(
            "this user may not talk to the Docker engine (permission denied on its socket); "
            "add the user to the group docker and sign in again, or name another engine in DOCKER_HOST"
        )
    if "cannot connect" in text or "error during connect" in text or "is the docker daemon running" in text:
        return EngineError(f"no Docker engine answers ({line.rstrip('.')}); start it, or name another one in DOCKER_HOST")
    said = line.removeprefix("Error response from daemon: ")
    if _GONE in text:
        return GoneError(f"docker {verb}: {said}")
    if any(each in text for each in _NOT_RUNNING):
        return StoppedError(f"docker {verb}: {said}")
    return EngineError(f"docker {verb}: {said}")
