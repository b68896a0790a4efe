"""Where the full stack is described: the checkout's compose.yaml, and the .env beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from testbed.compose.errors import ComposeError

NAME: Final = "firebreak"
"""Compose's name of the project, which compose.yaml states: containers, networks and volumes begin with it."""
_CHECKOUT: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Project:
    """A checkout with a compose.yaml.

    Attributes:
        folder: Its root.
    """

    folder: Path

    @classmethod
    def here(cls, folder: Path = _CHECKOUT) -> Self:
        """The checkout that this code is part of. Raises ComposeError where it is an installed package without one."""
        if not (folder / "compose.yaml").is_file():
            raise ComposeError(
                f"{folder / 'compose.yaml'} is not there: the full stack runs from a checkout of Firebreak; "
                "without one, `testbed up` runs FeastFast as processes"
            )
        return cls(folder)

    @property
    def env_file(self) -> Path:
        """Secrets and choices, which Compose reads; made by `make up`."""
        return self.folder / ".env"

    @property
    def example(self) -> Path:
        """What of them there is."""
        return self.folder / ".env.example"
