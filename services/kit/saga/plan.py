"""What a saga is made of: steps with their compensations, and what the service writes of its own along with them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.errors import ServiceError

Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class Step(Generic[Subject]):
    """One step at one callee. Both directions may be repeated; the callee knows them by the saga's id.

    Attributes:
        name: A verb, for the log.
        act: Does it and returns the subject with what was learnt. Raises a ServiceError when it is refused, or not known to
            have succeeded; it is then undone like a step that succeeded.
        undo: Undoes it, and sees to it that an `act` that arrives later is refused. Raises a ServiceError to be asked again.
    """

    name: str
    act: Callable[[Subject], Awaitable[Subject]]
    undo: Callable[[Subject], Awaitable[None]]


class Plan(Protocol[Subject]):
    """The steps, and the service's own writes: each happens in the transaction that records the saga's move, or not at all."""

    @property
    def steps(self) -> tuple[Step[Subject], ...]:
        """In the order in which they are acted on; at least one."""
        ...

    async def load(self, saga_id: str) -> Subject:
        """What a saga is about, as it was saved last."""
        ...

    async def save(self, connection: AsyncConnection, subject: Subject) -> None:
        """A step has been taken that learnt something."""
        ...

    async def complete(self, connection: AsyncConnection, subject: Subject) -> None:
        """The last step has been taken: the saga is done."""
        ...

    async def give_up(self, connection: AsyncConnection, subject: Subject, error: ServiceError, position: int) -> None:
        """It will be undone, from the step at `position` back."""
        ...

    def committed(self) -> None:
        """What was written has been committed: wakes who works on it."""
        ...
