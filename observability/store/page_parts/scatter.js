/** Durations over time: each trace a dot, larger with more spans, by its longest and shortest on a logarithmic scale. */

import { drawn, element } from "./element.js";
import { clock, count, duration } from "./words.js";

const MOST_WIDE = 1000, LEAST_WIDE = 280, BESIDE = 44, NARROW = 500, HEIGHT = 170, LEFT = 64, RIGHT = 16, TOP = 10, BOTTOM = 24;

/** The chart. It is told in words to who cannot see it; the list below has every trace as a link. */
export function scatter(trees) {
  const width = Math.max(LEAST_WIDE, Math.min(MOST_WIDE, innerWidth - BESIDE)); // So that its texts are read on a phone as well.
  const starts = trees.map((tree) => tree.start), lengths = trees.map((tree) => tree.length);
  const [from, to] = [Math.min(...starts), Math.max(...starts)];
  const [low, high] = bounds(Math.min(...lengths), Math.max(...lengths));
  const x = (start) => LEFT + (to > from ? (start - from) / (to - from) : 0.5) * (width - LEFT - RIGHT);
  const y = (length) => HEIGHT - BOTTOM - (Math.log(length / low) / Math.log(high / low)) * (HEIGHT - TOP - BOTTOM);
  const lines = decades(low, high).map((length) => drawn("g", { class: "grid" },
    drawn("line", { x1: LEFT, x2: width - RIGHT, y1: y(length), y2: y(length) }),
    drawn("text", { x: LEFT - 8, y: y(length) + 4, "text-anchor": "end" }, duration(length))));
  const between = width < NARROW ? [] : [[(from + to) / 2, "middle"]];
  const moments = (to > from ? [[from, "start"], ...between, [to, "end"]] : [[from, "middle"]]).map(([start, anchor]) => drawn("text",
    { x: x(start), y: HEIGHT - 6, "text-anchor": anchor }, clock(start)));
  const dots = [...trees].sort((a, b) => b.nodes.length - a.nodes.length).map((tree) => dot(tree, x, y));
  const failed = trees.filter((tree) => tree.errors).length;
  const label = `${count(trees.length, "trace")} from ${duration(Math.min(...lengths))} to ${duration(Math.max(...lengths))}, ${failed} with errors`;
  return element("figure", { className: "scatter" },
    drawn("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label }, lines, drawn("g", { class: "moments" }, moments), dots),
    element("figcaption", {}, element("span", { className: "dot" }), "healthy ", element("span", { className: "dot failed" }), "with errors ",
      element("span", { className: "soft" }, "duration over start; larger dots have more spans")));
}

function dot(tree, x, y) {
  const said = `${tree.root.service}: ${tree.root.name}\n${duration(tree.length)}, ${count(tree.nodes.length, "span")}, ${count(tree.errors, "error")}\n${clock(tree.start)}`;
  const radius = Math.min(12, 3 + Math.sqrt(tree.nodes.length) / 2.5);
  return drawn("a", { href: `/trace/${tree.id}`, tabindex: "-1", "aria-hidden": "true" },
    drawn("circle", { cx: x(tree.start).toFixed(1), cy: y(tree.length).toFixed(1), r: radius.toFixed(1), class: tree.errors ? "failed" : "" },
      drawn("title", {}, said)));
}

/** The scale's ends: half a decade at the least, so that equal durations do not look different. */
function bounds(least, most) {
  const middle = Math.sqrt(least * most), half = Math.max(Math.sqrt(most / least) * 1.1, 1.8);
  return [middle / half, middle * half];
}

/** Powers of ten between the ends, and 2 and 5 times them when there are few. */
function decades(low, high) {
  const steps = high / low > 100 ? [1] : [1, 2, 5];
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    found.push(...steps.map((step) => step * 10 ** power).filter((length) => length >= low && length <= high));
  }
  return found;
}
