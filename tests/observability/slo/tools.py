"""promtool and amtool, and made-up series for the former."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

import pytest
import yaml

HOW_TO_GET_IT = "no promtool and amtool on this machine; Debian: apt-get install prometheus prometheus-alertmanager"
TIMEOUT_S = 300.0


def needed(program: str) -> str:
    """Path of a program. Missing, the test is skipped; in CI, where nothing may be missing, it fails."""
    found = shutil.which(program)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(HOW_TO_GET_IT)
        pytest.skip(HOW_TO_GET_IT)
    return found


def ask(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Go collects its garbage more seldom than by itself, which takes a quarter of promtool's time."""
    environment = {**os.environ, "GOGC": "400"}
    command = [needed(program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S, env=environment)


@dataclass
class Series:
    """Counters second by second, and what is expected of expressions over them."""

    rules: Path
    step: str = "1s"
    counters: list[dict[str, str]] = field(default_factory=list)
    expected: list[dict[str, object]] = field(default_factory=list)

    def counter(self, name: str, increments: Sequence[int], born: int = 0, /, **labels: str) -> None:
        """A counter that is 0 at instant 0 and grows by one increment every step; before step `born` there is no sample."""
        self.gauge(name, [0, *accumulate(increments)], born, **labels)

    def gauge(self, name: str, values: Iterable[float], born: int = 0, /, **labels: str) -> None:
        matchers = ",".join(f'{label}="{value}"' for label, value in labels.items())
        written = " ".join("_" if step < born else f"{value:g}" for step, value in enumerate(values))
        self.counters.append({"series": f"{name}{{{matchers}}}", "values": written})

    def expect(self, expression: str, at: str, value: float) -> None:
        """An expression without labels."""
        samples = [{"labels": "{}", "value": value}]
        self.expected.append({"expr": f"{expression} or vector(0)", "eval_time": at, "exp_samples": samples})

    def run(self, folder: Path) -> str:
        """Empty when everything is as expected; else what promtool says."""
        test = {"interval": self.step, "input_series": self.counters, "promql_expr_test": self.expected}
        file = folder / "test.yaml"
        document = {"rule_files": [str(self.rules)], "evaluation_interval": self.step, "tests": [test]}
        file.write_text(yaml.safe_dump(document, width=1_000_000), encoding="utf-8")
        done = ask("promtool", "test", "rules", file)
        return "" if done.returncode == 0 else done.stdout + done.stderr
