"""What an injection raises.

InjectedFault            never raised itself; catches both
├── InjectedError        the answer is this status
└── InjectedAbort        the connection ends without an answer (a ConnectionResetError as well)
"""


class InjectedFault(Exception):  # noqa: N818 - it is a fault on order, and its two children say which
    """A fault that ends the request it was injected into."""


class InjectedError(InjectedFault):
    """The request is answered with `status`, an HTTP status from 400 to 599, without reaching anybody."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"injected status {status}")


class InjectedAbort(InjectedFault, ConnectionResetError):  # noqa: N818 - named as the fault is
    """The connection is cut. Code that handles a real reset handles this one too."""
