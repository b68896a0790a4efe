"""One program of the stack as it is to run: where it listens, what it reads, and how to see that it is ready."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testbed.ports import HOST
from testbed.process import Program
from testbed.stack.programs import program_environment


@dataclass(frozen=True)
class ProgramPlan:
    """Worked out before anything starts.

    Attributes:
        name: Such as `prometheus`.
        arguments: Its path and its options.
        port: Where it listens, on 127.0.0.1.
        ready_path: Is answered with 200 once it is ready.
        folder: Its own: everything that it writes is in there.
        files: Makes what it reads, by path below `folder`. Called once, when the system's own processes are on their way.
        folders: Made before it starts, below `folder`.
        note: What people should know of how it runs; mostly empty.
    """

    name: str
    arguments: tuple[str, ...]
    port: int
    ready_path: str
    folder: Path
    files: Callable[[], Mapping[str, str]] = field(repr=False)
    folders: tuple[str, ...] = ("data",)
    note: str = ""

    @property
    def address(self) -> str:
        """Root of its pages."""
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """What it says."""
        return self.folder / "log"

    def program(self) -> Program:
        """The process to start."""
        return Program(self.name, self.arguments, program_environment(), self.log)

    def prepare(self) -> None:
        """Makes its folders and writes its files. Raises OSError."""
        for name in self.folders:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name, text in self.files().items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
