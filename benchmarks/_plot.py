"""One plot of a picture: a line an arm over the seconds of a schedule, the fault's window shaded, names beside the lines.

SVG is built as a tree, so that whatever a run's folder says is text and never markup.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from chaos.experiment.report.charts import Tick, line_path, time_ticks

WIDTH: Final = 270.0
HEIGHT: Final = 110.0
MAX_LINES: Final = 4
STYLE: Final = """
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #15202b; font-variant-numeric: tabular-nums; }
.title { font-size: 15px; font-weight: 650; } .label { font-weight: 650; } .soft { fill: #566370; font-size: 11px; }
.end { text-anchor: end; } .middle { text-anchor: middle; }
.ground { fill: #fff; stroke: #dce2e8; } .grid { stroke: #dce2e8; }
.area { fill: #eef1f4; } .fault { fill: #d55e00; fill-opacity: .1; }
.line { fill: none; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.line.arm0 { stroke: #0072b2; } .line.arm1 { stroke: #b03a00; } .line.arm2 { stroke: #00735a; } .line.arm3 { stroke: #855800; }
.label.arm0 { fill: #0072b2; } .label.arm1 { fill: #b03a00; } .label.arm2 { fill: #00735a; } .label.arm3 { fill: #855800; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6ecf1; } .soft { fill: #9aa8b5; } .ground { fill: #0f151b; stroke: #2a3540; } .grid { stroke: #2a3540; }
  .area { fill: #1b242d; } .fault { fill: #ff8f52; fill-opacity: .16; }
  .line.arm0 { stroke: #63bdf0; } .line.arm1 { stroke: #ff8f52; } .line.arm2 { stroke: #3ccda0; } .line.arm3 { stroke: #f0b64a; }
  .label.arm0 { fill: #63bdf0; } .label.arm1 { fill: #ff8f52; } .label.arm2 { fill: #3ccda0; } .label.arm3 { fill: #f0b64a; }
}
"""
"""Colours are the report's, which are Okabe and Ito's (2008), darkened or lightened for text."""
_LABEL_PX: Final = 25.0
"""Two lines of a label, one below the other, and a gap."""


@dataclass(frozen=True)
class Line:
    """One arm's values, one a second, as pixels from the plot's top; `name` and `figure` stand beside its end."""

    name: str
    figure: str
    heights_px: tuple[float | None, ...]


@dataclass(frozen=True)
class Plot:
    """Everything in one plot. `window_s` is the fault's; `area_px` is drawn below the lines."""

    heading: str
    lines: tuple[Line, ...]
    ticks: tuple[Tick, ...]
    length_s: int
    window_s: tuple[float, float] | None
    area_px: tuple[float, ...] = ()

    def draw(self, parent: Element, x: float, y: float) -> None:
        """Adds it to `parent`; `(x, y)` is the top left corner of the plotted area, texts stand outside of it."""
        group = SubElement(parent, "g", {"transform": f"translate({x:g} {y:g})"})
        write(group, self.heading, 0, -10, "soft")
        for tick in self.ticks:
            SubElement(group, "path", {"class": "grid", "d": f"M0 {tick.at:g}H{WIDTH:g}"})
            write(group, tick.label, -6, tick.at + 4, "soft end")
        for tick in time_ticks(self.length_s):
            write(group, f"{tick.label} s", tick.at / 100 * WIDTH, HEIGHT + 16, "soft middle")
        self._draw_data(group)
        self._draw_labels(group)

    def _draw_data(self, group: Element) -> None:
        box = {"width": f"{WIDTH:g}", "height": f"{HEIGHT:g}", "viewBox": f"0 0 {self.length_s} {HEIGHT:g}"}
        inner = SubElement(group, "svg", box | {"preserveAspectRatio": "none", "overflow": "visible"})
        if self.area_px:
            steps = "".join(f"L{second} {top:g}H{second + 1}" for second, top in enumerate(self.area_px))
            SubElement(inner, "path", {"class": "area", "d": f"M0 {HEIGHT:g}{steps}V{HEIGHT:g}Z"})
        if self.window_s:
            start_s, end_s = self.window_s
            shade = {"class": "fault", "x": f"{start_s:g}", "width": f"{end_s - start_s:g}", "height": f"{HEIGHT:g}"}
            SubElement(inner, "rect", shade)
        for index, line in reversed(tuple(enumerate(self.lines))):  # The first arm's lies on top.
            SubElement(inner, "path", {"class": f"line arm{index}", "d": line_path(line.heights_px)})

    def _draw_labels(self, group: Element) -> None:
        ends = [next((height for height in reversed(line.heights_px) if height is not None), HEIGHT) for line in self.lines]
        for index, (line, top) in enumerate(zip(self.lines, spread(ends, _LABEL_PX, HEIGHT), strict=True)):
            write(group, line.name, WIDTH + 8, top - 1, f"label arm{index}")
            write(group, line.figure, WIDTH + 8, top + 11, "soft")


def write(parent: Element, text: str, x: float, y: float, style: str) -> None:
    """Adds a line of text whose baseline is at `y`."""
    SubElement(parent, "text", {"x": f"{x:g}", "y": f"{y:g}", "class": style}).text = text


def spread(heights_px: Sequence[float], gap_px: float, height_px: float) -> tuple[float, ...]:
    """Labels' heights in the order given, at least `gap_px` apart and, where there is room, between 0 and `height_px`."""
    order = sorted(range(len(heights_px)), key=lambda index: heights_px[index])
    placed = list(heights_px)
    lowest = height_px
    for index in reversed(order):
        placed[index] = lowest = min(placed[index], lowest)
        lowest -= gap_px
    highest = 0.0
    for index in order:
        placed[index] = highest = max(placed[index], highest)
        highest += gap_px
    return tuple(placed)
