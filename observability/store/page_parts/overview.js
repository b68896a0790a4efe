/** A trace at a glance, however long: every span a line, drawn on a canvas; dragging over it zooms the waterfall. */

import { element } from "./element.js";
import { duration } from "./words.js";

const HEIGHT = 56;

/** The picture. `zoom(from, to)` is called with microseconds from the trace's start. For keys there are buttons in the waterfall. */
export function overview(tree, zoom) {
  const canvas = element("canvas", { height: HEIGHT });
  const chosen = element("div", { className: "chosen", hidden: true });
  const box = element("div", { className: "overview", title: "Drag to zoom", aria: { hidden: "true" } }, canvas, chosen);
  new ResizeObserver(() => paintSpans(canvas, tree)).observe(box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => paintSpans(canvas, tree));
  let from = null;
  const at = (event) => {
    const { left, width } = box.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / width));
  };
  box.addEventListener("pointerdown", (event) => { from = at(event); box.setPointerCapture(event.pointerId); });
  box.addEventListener("pointermove", (event) => {
    if (from === null) return;
    const [low, high] = [from, at(event)].sort((a, b) => a - b);
    chosen.hidden = false;
    chosen.style.left = `${100 * low}%`;
    chosen.style.width = `${100 * (high - low)}%`;
    chosen.textContent = duration((high - low) * tree.length);
  });
  const end = (event) => {
    if (from === null) return;
    const [low, high] = [from, at(event)].sort((a, b) => a - b);
    from = null;
    chosen.hidden = true;
    if (event.type === "pointerup" && high - low > 0.004) zoom(low * tree.length, high * tree.length);
  };
  box.addEventListener("pointerup", end);
  box.addEventListener("pointercancel", end);
  return box;
}

function paintSpans(canvas, tree) {
  const width = canvas.parentElement.clientWidth, scale = devicePixelRatio || 1;
  if (!width) return;
  canvas.width = width * scale;
  canvas.height = HEIGHT * scale;
  const context = canvas.getContext("2d"), colors = getComputedStyle(canvas);
  context.scale(scale, scale);
  const thickness = Math.max(0.75, Math.min(4, HEIGHT / tree.nodes.length));
  context.globalAlpha = tree.nodes.length > HEIGHT ? 0.7 : 1;
  tree.nodes.forEach((node, place) => {
    context.fillStyle = colors.getPropertyValue(node.failed ? "--bad" : "--soft");
    const top = (place / tree.nodes.length) * (HEIGHT - thickness);
    context.fillRect((node.start / tree.length) * width, top, Math.max(1.5, (node.length / tree.length) * width), thickness);
  });
}
