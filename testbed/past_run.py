"""The folders that an experiment left: one system an arm, with its logs."""

from pathlib import Path
from typing import Final

from testbed.run import RUNS, RunFolder

_SHOWN: Final = 5


def arm_of(name: str, runs: Path = RUNS) -> RunFolder:
    """The arm that `RUN/ARM` names, or the only one of `RUN`: an id or `latest`. Raises LookupError naming what there is."""
    run, _slash, arm = name.strip("/").partition("/")
    arms = sorted(path.parent.name for path in (runs / run / "arms").glob("*/logs"))
    if not arms:
        known = sorted(
            (path.parents[2].name for path in runs.glob("*/arms/*/logs") if not path.parents[2].is_symlink()), reverse=True
        )
        newest = list(dict.fromkeys(known))[:_SHOWN]
        there = (
            f"the newest in {runs}: {', '.join(newest)}" if newest else f"{runs} holds none yet; make one with: chaos run NAME"
        )
        raise LookupError(f"no run {run!r} with logs; {there}")
    if not arm and len(arms) == 1:
        arm = arms[0]
    if arm not in arms:
        problem = f"has no arm {arm!r}; allowed" if arm else "has several arms; name one"
        raise LookupError(f"run {run!r} {problem}: {', '.join(f'{run}/{each}' for each in arms)}")
    return RunFolder(runs / run / "arms" / arm)
