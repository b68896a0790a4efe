"""A run as a person starts it: found by name, watched on a screen, ended by Ctrl-C, told as an exit code."""

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import NoReturn

from rich.console import Console

from chaos.experiment.closing_screen import print_result
from chaos.experiment.compose_world import compose_world
from chaos.experiment.experiment_file import find_experiment, load_experiment
from chaos.experiment.folders import ExperimentFolder
from chaos.experiment.judge import judge
from chaos.experiment.live_screen import LiveScreen
from chaos.experiment.plain_lines import PlainLines
from chaos.experiment.report.report import render_report
from chaos.experiment.result import Result
from chaos.experiment.runner import RunOptions, run_experiment
from chaos.experiment.world import World, local_world
from chaos.targets.choice import COMPOSE, LOCAL, TargetName

EXIT_AS_EXPECTED = 0
EXIT_NOT_AS_EXPECTED = 1
EXIT_INTERRUPTED = 130
_EXIT_TERMINATED = 128 + signal.SIGTERM
_PIPED_COLUMNS = 140


def run_and_show(
    name: str, options: RunOptions, world: World | None = None, out: Console | None = None, target: TargetName = LOCAL
) -> int:
    """Runs a shipped experiment, or the one in a YAML file, and shows it. Returns the exit code.

    Args:
        name: Of a shipped experiment, or the path of a YAML file.
        options: How.
        world: Where; by default as `target` says.
        out: What to print on; standard output by default.
        target: This machine, or the Compose project that runs.

    Returns:
        0 when every arm is as expected, 1 when one is not, 130 after Ctrl-C, with everything healed and stopped.

    Raises:
        DocumentError: The experiment or its map cannot be used.
        RunError, EvidenceError, ControlError, TargetError, OSError: See run_experiment.
        SystemExit: After SIGTERM, with everything healed and stopped.
    """
    out = out or _console()
    loaded = load_experiment(find_experiment(name))
    try:
        with ExitStack() as stack:
            stack.enter_context(_terminable())
            chosen = world or (stack.enter_context(compose_world()) if target == COMPOSE else local_world())
            observer = stack.enter_context(LiveScreen(out)) if out.is_terminal else PlainLines(out)
            finished = run_experiment(loaded, options, chosen, observer)
            observer.judged(finished.result, render_report(finished.result, finished.folder.root))
    except KeyboardInterrupt:
        left = "the services are as they were" if target == COMPOSE else "every process is stopped"
        out.print(f"interrupted: every fault is lifted and {left}; this run has no verdict", soft_wrap=True)
        return EXIT_INTERRUPTED
    return _exit_code(finished.result)


def judge_and_show(run: str, out: Console | None = None) -> int:
    """Judges and reports a run anew, from its folder alone. Returns the exit code, as `run_and_show` does.

    Raises:
        EvidenceError: There is no such run, or it cannot be judged.
        DocumentError: Its copy of the experiment or of the map cannot be used.
        OSError: The disk refused.
    """
    folder = ExperimentFolder.find(run)
    result = judge(folder)
    print_result(result, render_report(result, folder.root), out or _console())
    return _exit_code(result)


def _exit_code(result: Result) -> int:
    return EXIT_AS_EXPECTED if result.passed else EXIT_NOT_AS_EXPECTED


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _PIPED_COLUMNS, highlight=False)


@contextmanager
def _terminable() -> Iterator[None]:
    """Lets SIGTERM end the run as Ctrl-C does: through every `finally` on the way out."""

    def leave(_number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(_EXIT_TERMINATED)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
