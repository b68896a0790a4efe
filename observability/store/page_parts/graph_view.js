/** The service graph: who calls whom, how often, and with how many errors, from the spans of a time. */

import { ask } from "./api.js";
import { choice, drawn, element, field, note } from "./element.js";
import { layered } from "./layers.js";
import { colorOf } from "./palette.js";
import { count, short } from "./words.js";

const LOOKBACKS = [["300000", "last 5 minutes"], ["900000", "last 15 minutes"], ["3600000", "last hour"], ["86400000", "last 24 hours"], ["604800000", "last 7 days"]];
const DEFAULT_LOOKBACK = "3600000";
const NODE = { width: 136, height: 46 }, GAP = { least: 130, most: 240, y: 30 }, MARGIN = 12;

/** The view at `/dependencies`; `lookback` in milliseconds and `endTs` (milliseconds since 1970) are those of the API. */
export async function showGraph(parameters) {
  const lookback = parameters.get("lookback") ?? DEFAULT_LOOKBACK, end = parameters.get("endTs") ?? "";
  const title = "Services", select = choice("lookback", LOOKBACKS, lookback);
  select.addEventListener("change", () => select.dispatchEvent(new CustomEvent("go", { bubbles: true, detail: `/dependencies?lookback=${select.value}` })));
  const heading = element("div", { className: "heading" }, element("h1", {}, "Who calls whom"), field("Time", select, "inline"));
  const edges = await ask("/api/dependencies", { endTs: end || String(Date.now()), lookback });
  if (!edges.length) {
    return { title, content: [heading, note("", "Nobody called anybody in that time",
      ["Ask for a longer time, or send customers with ", element("code", {}, "testbed load"), ". A service shows up once one of its calls was traced."])] };
  }
  const total = edges.reduce((sum, edge) => sum + edge.callCount, 0);
  const services = new Set(edges.flatMap((edge) => [edge.parent, edge.child]));
  const facts = element("p", { className: "facts" }, element("span", {}, count(services.size, "service")), element("span", {}, count(edges.length, "edge")), element("span", {}, count(total, "call")));
  return { title, content: [heading, facts, element("div", { className: "graph" }, picture(edges)), table(edges)] };
}

/** Pixels of the drawing: layers share the width of the screen, rows have what they need. */
class Frame {
  constructor(layout) {
    this.layout = layout;
    const spots = [...layout.nodes.values(), ...layout.routes.flatMap((route) => route ?? [])];
    const layers = Math.max(...spots.map((spot) => spot.layer)) + 1, rows = Math.max(...spots.map((spot) => spot.of));
    this.gap = Math.min(GAP.most, Math.max(GAP.least, (innerWidth - 90 - layers * NODE.width) / Math.max(1, layers - 1)));
    this.width = layers * NODE.width + (layers - 1) * this.gap + 2 * MARGIN;
    this.height = Math.max(rows * (NODE.height + GAP.y), 120) + 2 * MARGIN;
  }

  /** The left end of a spot, and its middle from top to bottom. */
  at({ layer, row, of }) {
    return { x: MARGIN + layer * (NODE.width + this.gap), y: MARGIN + ((row + 0.5) / of) * (this.height - 2 * MARGIN) };
  }

  node(name) {
    return this.at(this.layout.nodes.get(name));
  }
}

function picture(unordered) {
  const edges = [...unordered].sort((a, b) => b.callCount - a.callCount); // Of a circle, what is called least goes back.
  const frame = new Frame(layered(edges.map((edge) => [edge.parent, edge.child])));
  const most = Math.max(...edges.map((edge) => edge.callCount));
  const ways = edges.map((edge, place) => way(edge, frame, frame.layout.routes[place]));
  spread(ways, "parent", (points) => points[0], (points) => points[1]);
  spread(ways, "child", (points) => points.at(-1), (points) => points.at(-2));
  const head = drawn("defs", {}, ["", "failed"].map((kind) => drawn("marker", { id: `head${kind}`, class: `head ${kind}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" }, drawn("path", { d: "M0 0L8 4L0 8z" }))));
  const { width, height } = frame, names = [...frame.layout.nodes.keys()];
  const label = `${count(names.length, "service")} with ${count(edges.length, "edge")}; the table below has them in words`;
  return drawn("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label }, head,
    ways.map((each) => arrow(each, most)), names.map((name) => box(name, frame.node(name), edges)));
}

/** The points that an edge goes through; one that goes back runs below the others, one within a layer over the top. */
function way(edge, frame, route) {
  const from = frame.node(edge.parent), to = frame.node(edge.child);
  if (route === null) {
    const half = NODE.height / 2, left = to.x < from.x;
    const points = left ? [{ x: from.x, y: from.y + half * 0.75 }, { x: to.x + NODE.width + 1, y: to.y + half * 0.75 }]
      : [{ x: from.x + NODE.width * 0.6, y: from.y - half }, { x: to.x + NODE.width * 0.4, y: to.y - half }];
    return { edge, points, back: true, over: !left };
  }
  const between = route.flatMap((spot) => { const { x, y } = frame.at(spot); return [{ x, y }, { x: x + NODE.width, y }]; });
  return { edge, points: [{ x: from.x + NODE.width, y: from.y }, ...between, { x: to.x - 1, y: to.y }], back: false, over: false };
}

/** Edges of one node do not all meet in one point, but in the order in which they come from above to below. */
function spread(ways, end, own, next) {
  const groups = new Map();
  for (const each of ways.filter((one) => !one.back)) groups.set(each.edge[end], [...(groups.get(each.edge[end]) ?? []), each]);
  for (const group of groups.values()) {
    const step = Math.min(9, (NODE.height - 12) / group.length);
    group.sort((a, b) => next(a.points).y - next(b.points).y).forEach(({ points }, place) => { own(points).y += (place - (group.length - 1) / 2) * step; });
  }
}

function box(name, { x, y }, edges) {
  const incoming = edges.filter((edge) => edge.child === name);
  const calls = incoming.reduce((sum, edge) => sum + edge.callCount, 0);
  const said = incoming.length ? `${short(calls)} calls` : "called by nobody";
  return drawn("a", { href: `/search?service=${encodeURIComponent(name)}`, class: "node", "aria-label": `Traces of ${name}` },
    drawn("rect", { x, y: y - NODE.height / 2, width: NODE.width, height: NODE.height, rx: 8 }),
    drawn("rect", { x: x + 6, y: y - NODE.height / 2 + 7, width: 4, height: NODE.height - 14, rx: 2, style: { fill: colorOf(name) }, class: "band" }),
    drawn("text", { x: x + 18, y: y - 3, class: "name" }, name.length > 15 ? `${name.slice(0, 14)}…` : name, drawn("title", {}, name)),
    drawn("text", { x: x + 18, y: y + 13, class: "soft" }, said));
}

function arrow({ edge, points, over }, most) {
  const errors = edge.errorCount ?? 0, thickness = 1.2 + 3 * Math.sqrt(edge.callCount / most);
  const text = errors ? `${short(edge.callCount)} · ${share(errors, edge.callCount)} failed` : short(edge.callCount);
  const said = `${edge.parent} → ${edge.child}: ${count(edge.callCount, "call")}${errors ? `, ${count(errors, "error")}` : ""}`;
  const path = drawn("path", { d: curve(points, over), "stroke-width": thickness.toFixed(1), "marker-end": `url(#head${errors ? "failed" : ""})` });
  const [before, last] = points.slice(-2), back = last.x < before.x; // Near its end edges lie apart.
  const at = { x: before.x + (last.x - before.x) * (back ? 0.4 : 0.62), y: before.y + (last.y - before.y) * (back ? 0.35 : 0.72) - 5 };
  return drawn("a", { href: searchOf(edge), class: `edge${errors ? " failed" : ""}`, "aria-label": said },
    drawn("title", {}, said), drawn("path", { d: curve(points, over), class: "wide" }), path,
    drawn("text", { x: at.x.toFixed(1), y: at.y.toFixed(1), "text-anchor": "middle" }, text));
}

/** A line through points, level where it enters and leaves a layer; within one layer it goes over the top. */
function curve([first, ...others], over) {
  let from = first;
  return others.reduce((path, to) => {
    const bend = (to.x - from.x) / 2, lift = 50;
    const step = over ? `C${from.x} ${from.y - lift} ${to.x} ${to.y - lift} ${to.x} ${to.y}` : `C${from.x + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`;
    from = to;
    return path + step;
  }, `M${first.x} ${first.y}`);
}

function share(part, whole) {
  const percent = (100 * part) / whole;
  return `${percent < 1 ? percent.toPrecision(1) : Math.round(percent)} %`;
}

/** Traces of an edge; a caller of ours names it in its spans, and anybody's are found by the caller. */
function searchOf(edge) {
  return `/search?${new URLSearchParams({ service: edge.parent, tags: JSON.stringify({ "firebreak.edge": `${edge.parent}->${edge.child}` }) })}`;
}

function table(edges) {
  const known = edges.some((edge) => edge.errorCount !== undefined);
  const rows = [...edges].sort((a, b) => b.callCount - a.callCount).map((edge) => element("tr", {},
    element("td", {}, element("a", { href: searchOf(edge) }, `${edge.parent} → ${edge.child}`)), element("td", { className: "number" }, edge.callCount.toLocaleString("en")),
    known && element("td", { className: `number${edge.errorCount ? " bad" : ""}` }, edge.errorCount ? `${edge.errorCount.toLocaleString("en")} (${share(edge.errorCount, edge.callCount)})` : "0")));
  const head = element("tr", {}, ["Edge", "Calls", ...(known ? ["Failed"] : [])].map((name, place) => element("th", { scope: "col", className: place ? "number" : "" }, name)));
  return element("table", { className: "edges" }, element("thead", {}, head), element("tbody", {}, rows));
}
