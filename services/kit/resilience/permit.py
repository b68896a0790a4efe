"""Leave to make one attempt, and the one report that it takes once the attempt is over."""

from typing import Generic, Protocol, TypeVar

Mark_co = TypeVar("Mark_co", covariant=True)
Mark_contra = TypeVar("Mark_contra", contravariant=True)


class Issuer(Protocol[Mark_contra]):
    """Gives permits and hears what became of them. `mark` is what it wrote on the permit."""

    def settle(self, mark: Mark_contra, error: Exception | None) -> None:
        """The attempt is over: it succeeded, or failed with `error`."""
        ...

    def release(self, mark: Mark_contra) -> None:
        """The attempt was given up, which says nothing about the callee."""
        ...


class Permit(Generic[Mark_co]):
    """Leave to make one attempt. Exactly one of its methods is called once the attempt is over; more are ignored."""

    __slots__ = ("_issuer", "_mark")

    def __init__(self, issuer: Issuer[Mark_co], mark: Mark_co) -> None:
        self._issuer: Issuer[Mark_co] | None = issuer
        self._mark = mark

    def succeeded(self) -> None:
        """The callee answered."""
        issuer, self._issuer = self._issuer, None
        if issuer is not None:
            issuer.settle(self._mark, None)

    def failed(self, error: Exception) -> None:
        """The callee did not answer, or with a server error."""
        issuer, self._issuer = self._issuer, None
        if issuer is not None:
            issuer.settle(self._mark, error)

    def abandoned(self) -> None:
        """The attempt was cancelled: that says nothing about the callee, so only its place is given back."""
        issuer, self._issuer = self._issuer, None
        if issuer is not None:
            issuer.release(self._mark)
