"""A private PostgreSQL for one run of the tests: made in a folder of its own, on a free port, gone when the run ends."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from testbed.ports import free_port

PASSWORD = "pass-word-of/tests"
HOW_TO_GET_IT = "no PostgreSQL server on this machine; Debian: apt-get install --no-install-recommends postgresql"
_READY_S = 30.0
_STOP_S = 20.0
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "16MB",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "fatal",
}


class PostgresServer:
    """A server that ends with this process at the latest, however this process ends.

    Attributes:
        port: Where it listens, on 127.0.0.1, with passwords.
    """

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._folder = Path(tempfile.mkdtemp(prefix="firebreak-postgres-", dir="/tmp"))
        self._as_owner: list[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root.
            shutil.chown(self._folder, "postgres", "postgres")
            self._as_owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str, user: str = "postgres", password: str = PASSWORD) -> str:
        """Such as `postgresql://postgres:...@127.0.0.1:5432/orders`."""
        return f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Makes the cluster and returns once the server takes connections. Raises RuntimeError with its log."""
        secret, data, log = (self._folder / name for name in ("password", "data", "log"))
        secret.write_text(PASSWORD)
        secret.chmod(0o644)  # Inside a folder that only the owner enters.
        initdb = [str(self._binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={secret}"]
        made = subprocess.run(
            [*self._as_owner, *initdb, "--no-sync", "-E", "UTF8", "--no-locale"], capture_output=True, check=False, cwd="/"
        )
        if made.returncode:
            raise RuntimeError(made.stderr.decode())
        options = [text for name, value in (_SETTINGS | {"port": str(self.port)}).items() for text in ("-c", f"{name}={value}")]
        leash = ["setpriv", "--pdeathsig", "KILL", *self._as_owner[1:]] if shutil.which("setpriv") else []
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [*leash, self._binaries / "postgres", "-D", data, *options], stdout=output, stderr=output, cwd="/"
            )
        deadline = time.monotonic() + _READY_S
        probe = [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(probe, check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")
            time.sleep(0.02)

    def ask(self, database: str, query: str) -> str:
        """What the administrator is told: one value, as text."""
        told = subprocess.run(
            [str(self._binaries / "psql"), "-XAtq", "-c", query, self.url(database)], capture_output=True, check=True, text=True
        )
        return told.stdout.strip()

    def stop(self) -> None:
        """Ends the server and removes its folder."""
        if self._process is not None:
            self._process.send_signal(3)  # SIGQUIT: nothing of it is worth a checkpoint.
            self._process.wait(_STOP_S)
        shutil.rmtree(self._folder)


def find_binaries() -> Path | None:
    """The folder of the server's programs: Debian keeps them off the PATH."""
    on_path = shutil.which("postgres")
    if on_path:
        return Path(on_path).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None
