"""The folder of one running system: its secrets, sockets, databases, logs and journal, each with one name.

`testbed up` uses `.testbed/current`; an experiment uses one such folder an arm, under `.testbed/runs/<id>/arms/<arm>`.
"""

import errno
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

STATE_ROOT = Path(".testbed")
"""Beside the reader's project, not in their home: deleting the folder deletes every trace."""
CURRENT = STATE_ROOT / "current"
"""The system of `testbed up`."""
RUNS = STATE_ROOT / "runs"
"""One folder an experiment's run."""
MIN_FREE_BYTES = 100_000_000
"""Logs and traces of some minutes under load."""


class Secrets(BaseModel):
    """Random per run, readable by the owner only."""

    model_config = ConfigDict(frozen=True)

    internal_token: str
    chaos_token: str
    signing_key: str

    @classmethod
    def generate(cls) -> "Secrets":
        """Fresh secrets of 256 bits each."""
        return cls(
            internal_token=secrets.token_urlsafe(32),
            chaos_token=secrets.token_urlsafe(32),
            signing_key=secrets.token_urlsafe(32),
        )


@dataclass(frozen=True)
class RunFolder:
    """Paths of one running system."""

    root: Path

    @property
    def registry(self) -> Path:
        """Who runs where (services.registry)."""
        return self.root / "registry.json"

    @property
    def secrets_file(self) -> Path:
        """Tokens of this run."""
        return self.root / "secrets.json"

    @property
    def telemetry(self) -> Path:
        """The embedded store's database of spans and logs."""
        return self.root / "telemetry.sqlite"

    @property
    def journal(self) -> Path:
        """What the supervisor did to processes, one JSON object a line."""
        return self.root / "processes.jsonl"

    @property
    def logs(self) -> Path:
        """One `<service>-<replica>.jsonl` a process."""
        return self.root / "logs"

    @property
    def data(self) -> Path:
        """One `<service>.sqlite` a service."""
        return self.root / "data"

    @property
    def targets(self) -> Path:
        """Whom Prometheus asks for metrics (testbed.scrape_targets)."""
        return self.root / "targets"

    @property
    def stack(self) -> Path:
        """Configuration, data and logs of Prometheus, Alertmanager and Grafana, a folder each."""
        return self.root / "stack"

    @property
    def supervisor_log(self) -> Path:
        """What the supervisor and the warmed parent had to complain about; it outlives the system."""
        return self.root / "supervisor.log"

    def clear(self) -> None:
        """Removes what an earlier system left here, and nothing else. Raises OSError when the disk refuses."""
        mine = ("registry.json*", "secrets.json", "telemetry.sqlite*", "processes.jsonl*", "*.sock")
        deeper = ("logs/*.jsonl*", "data/*.sqlite*", "targets/*.json*")
        stale = [path for pattern in (*mine, *deeper) for path in self.root.glob(pattern)]
        for path in stale:
            path.unlink()
        if self.stack.exists():
            shutil.rmtree(self.stack)

    def create(self) -> None:
        """Makes the folder and its children. Raises OSError when the disk refuses, or is about to."""
        for folder in (self.root, self.logs, self.data, self.targets):
            folder.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        free_bytes = shutil.disk_usage(self.root).free
        if free_bytes < MIN_FREE_BYTES:  # Otherwise it would be found out one failing process after the other.
            text = f"{free_bytes / 1e6:.1f} MB are free on its disk, and a system needs {MIN_FREE_BYTES / 1e6:.0f} MB"
            raise OSError(errno.ENOSPC, text, str(self.root))

    def write_secrets(self, value: Secrets) -> None:
        """Keeps the run's tokens in a file that only the owner reads."""
        self.secrets_file.touch(mode=0o600)
        self.secrets_file.chmod(0o600)
        self.secrets_file.write_text(value.model_dump_json(), encoding="utf-8")

    def read_secrets(self) -> Secrets:
        """The run's tokens. Raises OSError or ValueError when there are none."""
        return Secrets.model_validate_json(self.secrets_file.read_bytes())
