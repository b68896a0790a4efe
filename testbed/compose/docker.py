"""The `docker` command: asked for facts, or left to show people what it does."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from testbed.compose.errors import ComposeError

ANSWER_TIMEOUT_S: Final = 30.0
"""An engine that takes longer to say something does not work."""
INSTALL: Final = "docs.docker.com/engine/install"
_ENDING_S: Final = 20.0
"""What Compose may take to leave off when somebody interrupts it."""


@dataclass(frozen=True)
class Answer:
    """What the command said.

    Attributes:
        code: Its exit code.
        out: Standard output.
        err: Standard error.
    """

    code: int
    out: str
    err: str

    @property
    def reason(self) -> str:
        """Its last words, which say what is wrong."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1] if lines else f"exit code {self.code}"


class Docker(Protocol):
    """A way to the `docker` command."""

    def ask(self, *arguments: str) -> Answer:
        """Runs it and keeps what it says. Raises ComposeError when there is no such command, or no answer in time."""

    def show(self, *arguments: str) -> int:
        """Runs it on this terminal and returns its exit code. Raises ComposeError when there is no such command."""


@dataclass(frozen=True)
class DockerCommand:
    """The one on the PATH.

    Attributes:
        folder: Where it runs.
        variables: Values for Compose beside those of .env, which they override.
    """

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def ask(self, *arguments: str) -> Answer:
        """See Docker."""
        try:
            done = subprocess.run(
                [_program(), *arguments],
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=ANSWER_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ComposeError(
                f"`docker {' '.join(arguments[:2])}` did not answer within {ANSWER_TIMEOUT_S:g} s: the engine hangs; "
                "restart it (sudo systemctl restart docker, or Docker Desktop's own menu)"
            ) from None
        return Answer(done.returncode, done.stdout, done.stderr)

    def show(self, *arguments: str) -> int:
        """See Docker. Ctrl-C reaches the command as well; it is given time to leave off before KeyboardInterrupt goes on."""
        with subprocess.Popen([_program(), *arguments], cwd=self.folder, env=self._environment()) as process:
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


def _program() -> str:
    found = shutil.which("docker")
    if found is None:
        raise ComposeError(
            f"there is no `docker` command on the PATH: install Docker 25 or newer ({INSTALL}); "
            "without containers, `testbed up` runs FeastFast as processes"
        )
    return found
