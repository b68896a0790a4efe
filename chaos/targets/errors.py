"""What can go wrong on the way to a target; the texts are for people.

TargetError
├── UnknownPlaceError       no such service, replica or edge
├── RefusedError            it is there and says no
└── UnreachableError        nobody answers
    └── SilentError         somebody listens and does not answer in time: paused, or overloaded
"""


class TargetError(Exception):
    """A target cannot do what was asked; nothing was left half done unless the text says so."""


class UnknownPlaceError(TargetError):
    """A place that the system does not have."""


class RefusedError(TargetError):
    """The control endpoint refused."""


class NoEndpointError(RefusedError):
    """404: the process serves no faults (the telemetry store is such a one), or its token is another run's."""


class UnreachableError(TargetError):
    """No process answers: what was injected there ended with it."""


class SilentError(UnreachableError):
    """A process holds its port and stays silent: what was injected there lasts until its lease ends."""
