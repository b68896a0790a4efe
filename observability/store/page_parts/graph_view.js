/** The service graph: who calls whom, how often, and with how many errors, from the spans of a time. */

import { ask } from "./api.js";
import { choice, drawn, element, field, note } from "./element.js";
import { layered } from "./layers.js";
import { colorOf } from "./palette.js";
import { count, short } from "./words.js";

const LOOKBACKS = [["300000", "last 5 minutes"], ["900000", "last 15 minutes"], ["3600000", "last hour"], ["86400000", "last 24 hours"], ["604800000", "last 7 days"]];
const DEFAULT_LOOKBACK = "3600000";
const NODE = { width: 132, height: 44 }, GAP = { x: 118, y: 34 }, MARGIN = 12;

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

function picture(edges) {
  const places = layered(edges.map((edge) => [edge.parent, edge.child]));
  const layers = Math.max(...[...places.values()].map((place) => place.layer)) + 1;
  const rows = Math.max(...[...places.values()].map((place) => place.of));
  const width = layers * NODE.width + (layers - 1) * GAP.x + 2 * MARGIN;
  const height = Math.max(rows * (NODE.height + GAP.y) - GAP.y, 120) + 2 * MARGIN;
  const spot = (name) => {
    const { layer, row, of } = places.get(name);
    return { x: MARGIN + layer * (NODE.width + GAP.x), y: MARGIN + ((row + 0.5) / of) * (height - 2 * MARGIN) };
  };
  const most = Math.max(...edges.map((edge) => edge.callCount));
  const head = drawn("defs", {}, ["", "failed"].map((kind) => drawn("marker", { id: `head${kind}`, class: `head ${kind}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" }, drawn("path", { d: "M0 0L8 4L0 8z" }))));
  const label = `${count(places.size, "service")} with ${count(edges.length, "edge")}; the table below has them in words`;
  return drawn("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label }, head,
    edges.map((edge) => arrow(edge, spot, most)), [...places.keys()].map((name) => box(name, spot(name), edges)));
}

function box(name, { x, y }, edges) {
  const incoming = edges.filter((edge) => edge.child === name);
  const calls = incoming.reduce((sum, edge) => sum + edge.callCount, 0);
  const said = incoming.length ? `${short(calls)} calls` : "the entry";
  return drawn("a", { href: `/search?service=${encodeURIComponent(name)}`, class: "node", "aria-label": `Traces of ${name}` },
    drawn("rect", { x, y: y - NODE.height / 2, width: NODE.width, height: NODE.height, rx: 8 }),
    drawn("rect", { x, y: y - NODE.height / 2, width: 5, height: NODE.height, rx: 2, fill: colorOf(name), class: "band" }),
    drawn("text", { x: x + 16, y: y - 3, class: "name" }, name.length > 16 ? `${name.slice(0, 15)}…` : name, drawn("title", {}, name)),
    drawn("text", { x: x + 16, y: y + 13, class: "soft" }, said));
}

function arrow(edge, spot, most) {
  const from = spot(edge.parent), to = spot(edge.child), errors = edge.errorCount ?? 0;
  const ahead = to.x > from.x;
  const start = { x: from.x + (ahead ? NODE.width : NODE.width / 2), y: ahead ? from.y : from.y - NODE.height / 2 };
  const end = { x: ahead ? to.x - 1 : to.x + NODE.width / 2, y: ahead ? to.y : to.y - NODE.height / 2 - 1 };
  const bend = ahead ? Math.max(40, (end.x - start.x) / 2) : 0;
  const path = ahead ? `M${start.x} ${start.y}C${start.x + bend} ${start.y} ${end.x - bend} ${end.y} ${end.x} ${end.y}`
    : `M${start.x} ${start.y}C${start.x} ${start.y - 46} ${end.x} ${end.y - 46} ${end.x} ${end.y}`;
  const spans = ahead && to.x - from.x > NODE.width + GAP.x + 1; // A label in the middle of a long edge would lie on other nodes.
  const at = spans ? 0.82 : 0.5, x = bezier(start.x, ahead ? start.x + bend : start.x, ahead ? end.x - bend : end.x, end.x, at);
  const y = bezier(start.y, ahead ? start.y : start.y - 46, ahead ? end.y : end.y - 46, end.y, at);
  const thickness = 1.2 + 3 * Math.sqrt(edge.callCount / most);
  const text = errors ? `${short(edge.callCount)} · ${share(errors, edge.callCount)} failed` : short(edge.callCount);
  const said = `${edge.parent} → ${edge.child}: ${count(edge.callCount, "call")}${errors ? `, ${count(errors, "error")}` : ""}`;
  return drawn("a", { href: searchOf(edge), class: `edge${errors ? " failed" : ""}`, "aria-label": said },
    drawn("title", {}, said),
    drawn("path", { d: path, class: "wide" }),
    drawn("path", { d: path, "stroke-width": thickness.toFixed(1), "marker-end": `url(#head${errors ? "failed" : ""})` }),
    drawn("text", { x: x.toFixed(1), y: (y - 5).toFixed(1), "text-anchor": "middle" }, text));
}

function bezier(a, b, c, d, t) {
  return a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t ** 2 * (1 - t) + d * t ** 3;
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
