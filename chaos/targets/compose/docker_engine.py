"""The Docker engine, asked by its own command."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from chaos.targets.compose.docker import Answer, DockerCommand
from chaos.targets.compose.engine import ONE_OFF_LABEL, PROJECT_LABEL, Container, EngineError, GoneError, StoppedError

TIMEOUT_S: Final = 15.0
"""Of one request; an engine on a busy machine needs up to a second to start a container."""
_LISTING_TRIES: Final = 3
_KILLED: Final = 137
"""Exit code of a program that SIGKILL has ended."""
_GONE: Final = "no such container"
_NOT_RUNNING: Final = ("is not running", "is restarting")


class DockerEngine:
    """An Engine.

    Args:
        program: The command.
        timeout_s: Longest wait for one answer.
    """

    def __init__(self, program: str = "docker", timeout_s: float = TIMEOUT_S) -> None:
        self._docker = DockerCommand(program=program)
        self._timeout_s = timeout_s

    @property
    def is_installed(self) -> bool:
        """Whether its command is on the PATH."""
        return self._docker.is_installed

    def containers(self, project: str) -> tuple[Container, ...]:
        """See Engine. One that goes between the two questions makes both be asked again."""
        from chaos.targets.compose.inspection import read_inspection  # noqa: PLC0415 - a reviver does without pydantic

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
        answer = self._docker.ask(*arguments, stdin=stdin, timeout_s=limit_s)
        if answer.code:
            self._refuse(arguments[0], answer, passing_over)
        return answer.raw

    @staticmethod
    def _refuse(verb: str, answer: Answer, passing_over: Sequence[str]) -> None:
        """Raises what fits; nothing if each line is one that may be passed over."""
        lines = [line.strip() for line in answer.err.splitlines() if line.strip()]
        serious = [line for line in lines if not any(each in line.lower() for each in passing_over)]
        serious = [line for line in serious if not line.startswith("Error: failed to")]  # The command's own summary.
        if lines and not serious:
            return
        raise _error(verb, serious[0]) if serious else EngineError(f"docker {verb}: {_silent_end(answer.code)}")


def _silent_end(code: int) -> str:
    if code == _KILLED:
        return (
            "ended without a word, killed (exit code 137): where a container's memory is at its limit, the kernel kills what "
            "is executed in it; see: docker stats --no-stream"
        )
    return f"ended without a word, with exit code {code}"


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
