"""A system of local processes, kept by a supervisor: found by its state folder."""

from pathlib import Path

from chaos.targets.control_client import TIMEOUT_S
from chaos.targets.errors import TargetError
from chaos.targets.system_target import SystemTarget
from testbed.control import (
    HealRequest,
    NotRunningError,
    ProcessFaultRequest,
    ProcessLease,
    SystemStatus,
    ask,
    status,
)
from testbed.run import CURRENT, RunFolder, Secrets


class LocalSystem:
    """A System whose keeper is the supervisor of `state`.

    Args:
        state: The system's folder.
        besides: What else there is to be said when no system runs there, such as why none was found elsewhere.
    """

    remedy = "wait until it is up"
    unseen = ""

    def __init__(self, state: Path, besides: str = "") -> None:
        self._state = state
        self._besides = besides

    @property
    def option(self) -> str:
        """See System."""
        return "" if self._state == CURRENT else f"--state {self._state}"

    @property
    def logs_command(self) -> str:
        """See System."""
        return f"testbed logs SERVICE{' ' * bool(self.option)}{self.option}"

    def roll(self) -> SystemStatus:
        """See System; the supervisor knows everything at once."""
        return self.status()

    def status(self) -> SystemStatus:
        """See System."""
        try:
            return status(self._state)
        except NotRunningError as error:
            raise NotRunningError(f"{error}{self._besides}") from None

    def secrets(self) -> Secrets:
        """See System."""
        folder = RunFolder(self._state)
        try:
            return folder.read_secrets()
        except (OSError, ValueError):
            raise TargetError(f"{folder.secrets_file} cannot be read, so no process can be asked") from None

    def disturb(self, request: ProcessFaultRequest) -> tuple[ProcessLease, ...]:
        """See System."""
        ask(self._state, request)
        leases = self.status().leases
        return tuple(each for each in leases if each.kind == request.kind and request.covers(each.instance))

    def heal(self, request: HealRequest) -> int:
        """See System."""
        return ask(self._state, request).healed


class LocalTarget(SystemTarget):
    """The target of a system in `state`.

    Args:
        state: Its folder.
        timeout_s: Longest wait for one process; all are asked at once.
    """

    def __init__(self, state: Path, timeout_s: float = TIMEOUT_S) -> None:
        super().__init__(LocalSystem(state), timeout_s)
