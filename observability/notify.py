"""Tell the supervisor that this process listens: the datagram of systemd's `sd_notify`, plus the ports that were bound.

A process that was started with port 0 learns its port only when it binds; the supervisor learns it, and that the process
is ready, from one datagram. Any service manager that speaks the protocol (systemd with `Type=notify`) understands it and
ignores the fields that start with `X_`.
"""

import os
import socket
from typing import Final

NOTIFY_SOCKET: Final = "NOTIFY_SOCKET"
_SEND_TIMEOUT_S: Final = 2.0  # A supervisor that reads nothing for so long is gone or stuck; waiting longer helps nobody.


def notify_ready(instance: str, port: int, otlp_port: int | None = None, *, address: str | None = None) -> None:
    """Send `READY=1` with this process's id, instance name and ports; do nothing when nobody asked for it.

    Args:
        instance: `<service>/<replica>`, for example `orders/2`.
        port: TCP port that the process listens on.
        otlp_port: TCP port of the OTLP receiver, for the telemetry store.
        address: Path of the Unix datagram socket, or `@name` for an abstract one. The environment's `NOTIFY_SOCKET` when
            None; unset or empty means that no service manager waits for the message.

    Raises:
        OSError: Somebody asked for the message but does not receive it; the text names the socket.
        ValueError: `instance` holds a line break, which would forge further fields.
    """
    target = os.environ.get(NOTIFY_SOCKET, "") if address is None else address
    if not target:
        return
    if "\n" in instance:
        raise ValueError(f"instance {instance!r} must be one line")
    lines = ["READY=1", f"MAINPID={os.getpid()}", f"X_FIREBREAK_INSTANCE={instance}", f"X_FIREBREAK_PORT={port}"]
    if otlp_port is not None:
        lines.append(f"X_FIREBREAK_OTLP_PORT={otlp_port}")
    # The protocol writes an abstract socket's leading NUL byte as '@'.
    path = "\0" + target[1:] if target.startswith("@") else target
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(_SEND_TIMEOUT_S)
        try:
            sender.sendto("\n".join(lines).encode(), path)
        except OSError as error:
            text = f"{NOTIFY_SOCKET} {target}: the service manager does not receive: {error.strerror or error}"
            raise OSError(error.errno, text) from error
