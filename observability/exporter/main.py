"""The exporter process: `python -m observability.exporter.main`.

FIREBREAK_EXPORTER is the path of the Unix socket that it listens on, FIREBREAK_OTLP_ENDPOINT the collector's base URL. SIGTERM
ends it with exit code 0, once all that services had handed over is sent; what it cannot use is said on stderr, code 2.
"""

import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

from observability.exporter.exporter import Exporter

EXPORT_TIMEOUT_S: Final = 2.0
_EXIT_UNUSABLE: Final = 2
_BACKLOG: Final = 64
_PATH, _ENDPOINT = "FIREBREAK_EXPORTER", "FIREBREAK_OTLP_ENDPOINT"


def main() -> None:
    """Exports until SIGTERM or Ctrl-C."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        path, endpoint = _settings(os.environ)
        listener = _listen(path)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(_EXIT_UNUSABLE)
    exporter = Exporter(listener, OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=EXPORT_TIMEOUT_S))

    def end(_number: int, _frame: FrameType | None) -> None:
        exporter.end()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    gc.freeze()
    try:
        exporter.run()
    finally:
        exporter.close()
        listener.close()
        path.unlink(missing_ok=True)


def _settings(environment: Mapping[str, str]) -> tuple[Path, str]:
    for name in (_PATH, _ENDPOINT):
        if not environment.get(name):
            raise ValueError(f"{name} is not set: the exporter needs the path of its socket and the collector's base URL")
    return Path(environment[_PATH]), environment[_ENDPOINT]


def _listen(path: Path) -> socket.socket:
    """Raises OSError, its text naming the path."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()  # Of a former life: whoever starts exporters starts one a path.
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"{_PATH}={path}: cannot listen there: {error.strerror or error}") from error
    return listener


if __name__ == "__main__":
    main()
