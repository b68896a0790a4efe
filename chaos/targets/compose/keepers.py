"""The keepers inside of containers: PID 1 of each, asked through the engine by the messages of the supervisor's own socket."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pydantic import ValidationError

from chaos.targets.compose.engine import Container, Engine, EngineError, GoneError, StoppedError
from chaos.targets.errors import TargetError
from testbed.control import Request, Response

ASK: Final = ("python", "-m", "testbed.container", "ask")
JOURNAL: Final = ("python", "-m", "testbed.container", "journal")
TIMEOUT_S: Final = 5.0
"""Of one exchange; starting a program in a container takes most of it."""
_MAX_PARALLEL: Final = 16


class Keepers:
    """Asks all at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ask(self, containers: Mapping[str, Container], request: Request) -> dict[str, Response | TargetError]:
        """The answer of each keeper by its instance; what went wrong with one is its answer.

        A refusal is an answer as well: its text is in Response.error.
        """
        line = request.model_dump_json().encode() + b"\n"

        def ask_one(container: Container) -> Response | TargetError:
            try:
                return Response.model_validate_json(self._engine.run_inside(container.id, ASK, line, TIMEOUT_S))
            except ValidationError:
                return TargetError(f"{container.name}: its keeper answered with something else than was asked")
            except (GoneError, StoppedError) as error:
                return error
            except EngineError as error:
                return TargetError(f"{container.name}: its keeper cannot be asked: {error}")

        with ThreadPoolExecutor(_MAX_PARALLEL) as pool:
            return dict(zip(containers, pool.map(ask_one, containers.values()), strict=True))

    def journals(self, containers: Iterable[Container]) -> bytes:
        """What all keepers have written down, one JSON object a line; of a container that was killed, since it was started again.

        Raises EngineError.
        """

        def read(container: Container) -> bytes:
            return self._engine.run_inside(container.id, JOURNAL, b"", TIMEOUT_S)

        with ThreadPoolExecutor(_MAX_PARALLEL) as pool:
            return b"".join(text if text.endswith(b"\n") or not text else text + b"\n" for text in pool.map(read, containers))
