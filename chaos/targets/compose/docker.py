"""The `docker` command on the PATH: it knows contexts, sockets and remote engines, and we need not."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from chaos.targets.compose.engine import EngineError

ANSWER_TIMEOUT_S: Final = 30.0
"""An engine that takes longer to say something does not work."""
INSTALL: Final = "docs.docker.com/engine/install"
_NO_DOCKER: Final = (
    f"there is no `docker` command on the PATH: install Docker 25 or newer with its Compose plugin ({INSTALL}); "
    "without containers, `testbed up` runs FeastFast as processes"
)
_ENDING_S: Final = 20.0
"""What Compose may take to leave off when somebody interrupts it."""


@dataclass(frozen=True)
class Answer:
    """What the command said.

    Attributes:
        code: Its exit code.
        raw: Standard output.
        err: Standard error.
    """

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        """Standard output as text."""
        return self.raw.decode(errors="replace")

    @property
    def reason(self) -> str:
        """Its last words, which say what is wrong."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1] if lines else f"exit code {self.code}"


class Docker(Protocol):
    """A way to the `docker` command. Both raise EngineError when there is no such command."""

    def ask(self, *arguments: str) -> Answer:
        """Runs it and keeps what it says. Raises EngineError when it does not answer in time."""
        ...

    def show(self, *arguments: str) -> int:
        """Runs it on this terminal and returns its exit code."""
        ...


@dataclass(frozen=True)
class DockerCommand:
    """A Docker: the command that is found.

    Attributes:
        folder: Where it runs; None for this process' own.
        variables: Of its environment, beside this process' own, which they override, as they do those of .env.
        program: The command.
    """

    folder: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    program: str = "docker"

    @property
    def is_installed(self) -> bool:
        """Whether it is on the PATH."""
        return shutil.which(self.program) is not None

    def ask(self, *arguments: str, stdin: bytes = b"", timeout_s: float = ANSWER_TIMEOUT_S) -> Answer:
        """See Docker; `stdin` is all that it may read."""
        with _as_engine_error(self.program):
            try:
                done = subprocess.run(
                    [self.program, *arguments],
                    cwd=self.folder,
                    env=self._environment(),
                    input=stdin,
                    capture_output=True,
                    timeout=timeout_s,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise EngineError(
                    f"docker {arguments[0]}: no answer within {timeout_s:g} s; where `docker info` gives none either, the engine "
                    "hangs: restart it (sudo systemctl restart docker, or Docker Desktop's own menu)"
                ) from None
        return Answer(done.returncode, done.stdout, done.stderr.decode(errors="replace"))

    def show(self, *arguments: str) -> int:
        """See Docker. Ctrl-C reaches the command as well; it is given time to leave off before KeyboardInterrupt goes on."""
        with _as_engine_error(self.program):
            process = subprocess.Popen([self.program, *arguments], cwd=self.folder, env=self._environment())
        with process:
            try:
                return process.wait()
            except BaseException:
                process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_ENDING_S)
                process.kill()
                raise

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.variables}


@contextlib.contextmanager
def _as_engine_error(program: str) -> Iterator[None]:
    """Tells in a sentence why the command cannot be executed."""
    try:
        yield
    except OSError as error:
        if shutil.which(program) is None:
            raise EngineError(_NO_DOCKER) from None
        raise EngineError(f"{program} cannot be executed: {error.strerror or error}") from None
