"""Draws what a run measured as one SVG for a page of the documentation.

    python -m benchmarks.picture latest docs/patterns/images/delivery-outage.svg --journey order

A row a journey, the arms on the same axes: successes a second and the 95th percentile of all that began in each second, the
fault's window shaded. Above them the verdicts, and what was measured of each objective. Everything is read from the run's
verdict.json, which `chaos report RUN` makes from its requests again.
The picture brings its own ground, because a page may be dark where the reader's system is light.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from benchmarks._plot import HEIGHT, MAX_LINES, STYLE, Line, Plot, write
from chaos.experiment.errors import EvidenceError
from chaos.experiment.folders import ExperimentFolder, read_model
from chaos.experiment.outcomes import Role
from chaos.experiment.report.charts import Tick, log_scale
from chaos.experiment.report.formats import NOTHING, clip, milliseconds, percent, seconds
from chaos.experiment.report.marks import arm_label
from chaos.experiment.report.objectives import objective_rows
from chaos.experiment.result import ArmResult, JourneySeries, Result, WindowStats

MAX_ROWS: Final = 4
_SIZE: Final = (955.0, 176.0)
"""Width of the picture and height of a row, in pixels; GitHub shows a page about as wide."""
_LEFT, _RIGHT, _TOP = 46.0, 516.0, 52.0
_LINE_PX: Final = 18.0
_WINDOWS: Final = {"fault": "of that time", "recovery": "of the time after it"}


@dataclass(frozen=True)
class Row:
    """One journey as every arm that had any of it saw it: second by second, and in the window that the figures are of."""

    name: str
    arms: tuple[tuple[ArmResult, JourneySeries, WindowStats], ...]

    @property
    def length_s(self) -> int:
        """Seconds of the longest schedule."""
        return max(len(series.arrivals) for _, series, _ in self.arms)


def picture(result: Result, journeys: Sequence[str] = (), arms: Sequence[str] = (), window: str = "fault") -> str:
    """The SVG of `journeys` (if none are named, those judged, or else those that may degrade) in `arms`, its figures of `window`.

    Raises:
        ValueError: A name that the run does not have, or more of them than can be told apart; says what is allowed.
    """
    known = _known(arms, [arm.name for arm in result.arms], "arm", MAX_LINES)
    chosen = tuple(result.arm(name) for name in known) or result.arms[:MAX_LINES]
    there = [series.name for series in chosen[0].series]
    named = _known(journeys, there, "journey", MAX_ROWS) or _told_of(chosen[0])
    rows = [_row(chosen, name, window) for name in named]
    return _draw(result.model_copy(update={"arms": chosen}), rows, _WINDOWS[window])


def _told_of(arm: ArmResult) -> list[str]:
    """The journeys that a verdict is about."""
    of_roles = ([journey.name for journey in arm.journeys if journey.role is role] for role in (Role.JUDGED, Role.MAY_DEGRADE))
    return next((names for names in of_roles if names), [])[:MAX_ROWS]


def _known(names: Sequence[str], allowed: Sequence[str], what: str, most: int) -> Sequence[str]:
    for name in names:
        if name not in allowed:
            raise ValueError(f"{name!r} is no {what} of this run; allowed: {', '.join(allowed)}")
    if len(names) > most:
        raise ValueError(f"{len(names)} of --{what} are more than a picture can show; at most {most}")
    return names


def _row(arms: Sequence[ArmResult], name: str, window: str) -> Row:
    found = []
    for arm in arms:
        journey = arm.journey(name)
        stats = journey.fault if window == "fault" else journey.recovery
        found += [(arm, series, stats) for series in arm.series if series.name == name]
    return Row(name, tuple(found))


def _draw(result: Result, rows: Sequence[Row], figures: str) -> str:
    width, row_px = _SIZE
    findings = _findings(result)
    top = _TOP + _LINE_PX * len(findings)
    height = top + row_px * len(rows)
    box = {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {width:g} {height:g}", "role": "img"}
    svg = Element("svg", box | {"width": f"{width:g}", "height": f"{height:g}"})
    SubElement(svg, "title").text = f"{result.experiment.title}: {result.sentence}"
    SubElement(svg, "style").text = STYLE
    SubElement(svg, "rect", {"class": "ground", "x": ".5", "y": ".5", "width": f"{width - 1:g}", "height": f"{height - 1:g}"})
    write(svg, clip(result.experiment.title, 100), 14, 26, "title")
    fault = result.arms[0].fault
    window_s = (fault.applied_s, fault.lifted_s) if fault else None
    when = f", {seconds(window_s[0])} to {seconds(window_s[1])} (shaded)" if window_s else ""
    write(svg, clip(f"{result.experiment.fault}{when}; figures are those {figures}; grey: what arrived", 150), 14, 45, "soft")
    for index, text in enumerate(findings):
        write(svg, clip(text, 140), 14, 45 + _LINE_PX * (index + 1), "")
    for index, row in enumerate(rows):
        y = top + index * row_px + 28
        _goodput(row, window_s).draw(svg, _LEFT, y)
        _p95(row, window_s).draw(svg, _RIGHT, y)
    indent(svg)
    return tostring(svg, encoding="unicode") + "\n"


def _findings(result: Result) -> list[str]:
    """The verdicts, and each objective: `Attempts for each call (orders->payments), at most 1.2: Protected 1.02, ...`."""
    lines = [", ".join(f"{_name(arm)}: {arm.verdict}" for arm in result.arms)]
    for row in objective_rows(result):
        shown = [(cell.mark.label if cell.measured == NOTHING else cell.measured) if cell else NOTHING for cell in row.cells]
        arms = ", ".join(f"{_name(arm)} {text}" for arm, text in zip(result.arms, shown, strict=True))
        lines.append(f"{row.title}{f' ({row.subject})' if row.subject else ''}, {row.bound}: {arms}")
    return lines


def _goodput(row: Row, window_s: tuple[float, float] | None) -> Plot:
    offered = row.arms[0][1].arrivals
    top = _round_up(max((*offered, *(count for _, series, _ in row.arms for count in series.succeeded), 1)))

    def height(count: float) -> float:
        return round(HEIGHT * (1 - count / top), 1)

    lines = [
        Line(_name(arm), f"{percent(stats.success)} succeed", tuple(height(count) for count in series.succeeded))
        for arm, series, stats in row.arms
    ]
    ticks = tuple(Tick(height(count), f"{count:g}") for count in (0, top / 2, top))
    area = tuple(height(count) for count in offered)
    return Plot(f"{clip(row.name, 30)}: successes a second", tuple(lines), ticks, row.length_s, window_s, area)


def _p95(row: Row, window_s: tuple[float, float] | None) -> Plot:
    values = [value for _, series, _ in row.arms for value in series.p95_ms if value is not None]
    scale = log_scale(values, HEIGHT)
    lines = [
        Line(
            _name(arm),
            NOTHING if stats.p95_ms is None else milliseconds(stats.p95_ms),
            tuple(None if value is None else scale.at(value) for value in series.p95_ms),
        )
        for arm, series, stats in row.arms
    ]
    ticks = tuple(Tick(scale.at(value), milliseconds(value)) for value in scale.decades())
    return Plot(f"{clip(row.name, 30)}: 95th percentile", tuple(lines), ticks, row.length_s, window_s)


def _name(arm: ArmResult) -> str:
    return clip(arm_label(arm), 19)


def _round_up(count: int) -> int:
    """The next round number: the top of an axis whose middle is labelled as well."""
    power = int(10 ** math.floor(math.log10(count)))
    return next(step * power for step in (1, 2, 4, 5, 6, 8, 10) if step * power >= count)


def main(arguments: list[str] | None = None) -> int:
    """The command; 2, with a sentence, when there is nothing to draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.picture", description="Draw a run as one SVG.")
    parser.add_argument("run", help="a run's id, its path, or latest; judged by this version (chaos report RUN)")
    parser.add_argument("out", type=Path, help="the file to write")
    parser.add_argument("--journey", action="append", default=[], help="may be given several times  [default: those judged]")
    parser.add_argument("--arm", action="append", default=[], help="may be given several times  [default: all]")
    parser.add_argument(
        "--figures", choices=tuple(_WINDOWS), default="fault", help="the window that they are of  [default: fault]"
    )
    given = parser.parse_args(arguments)
    try:
        result = read_model(ExperimentFolder.find(given.run).verdict, Result)
        given.out.write_text(picture(result, given.journey, given.arm, given.figures), encoding="utf-8")
    except (EvidenceError, OSError, ValueError) as error:
        print(f"picture: {error}", file=sys.stderr)
        return 2
    print(f"{given.out}: {result.run_id}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
