"""What the supervisor and the warmed parent say to each other: one JSON object a packet of a Unix socket.

Plain dataclasses of the standard library, because the warmed parent imports nothing that it is not told to import.
"""

import json
from dataclasses import asdict, dataclass
from typing import Final

MAX_PACKET_BYTES: Final = 65_536


@dataclass(frozen=True)
class Start:
    """Fork a process for `instance` that calls `main()` of `module`; its output is appended to the file `log`."""

    instance: str
    module: str
    environment: dict[str, str]
    log: str


@dataclass(frozen=True)
class Signal:
    """Send a signal to a child that has not been reaped. Sent by its parent, it cannot hit a stranger with a reused id."""

    pid: int
    number: int


@dataclass(frozen=True)
class Imported:
    """A module is imported, and processes can be forked for it."""

    module: str


@dataclass(frozen=True)
class Refused:
    """The modules cannot be imported (`instance` empty) or the process of `instance` cannot be forked."""

    instance: str
    reason: str


@dataclass(frozen=True)
class Started:
    """The process of `instance` runs."""

    instance: str
    pid: int


@dataclass(frozen=True)
class Exited:
    """A child ended; `status` is its exit code, or the negated number of the signal that ended it."""

    pid: int
    status: int


Message = Start | Signal | Imported | Refused | Started | Exited
_KINDS: Final = {kind.__name__: kind for kind in (Start, Signal, Imported, Refused, Started, Exited)}


def encode(message: Message) -> bytes:
    """The packet of a message. Raises ValueError when it is larger than a packet may be."""
    packet = json.dumps({"kind": type(message).__name__, **asdict(message)}).encode()
    if len(packet) > MAX_PACKET_BYTES:
        raise ValueError(f"a message of {len(packet)} bytes; at most {MAX_PACKET_BYTES} are allowed")
    return packet


def decode(packet: bytes) -> Message:
    """The message in a packet. Both ends are the same version of this file, so anything else is a defect and raises."""
    fields = json.loads(packet)
    message: Message = _KINDS[fields.pop("kind")](**fields)
    return message
