/** The rows of the waterfall: a span with its bar, and an event below it. */

import { element } from "./element.js";
import { colorOf } from "./palette.js";
import { eventText, mark, storyOf } from "./span_event.js";
import { count, duration } from "./words.js";

const MAX_INDENT = 14;

/** A span. `frame` is the time shown, `state` what is known of the row, `acts` what a click does. */
export function spanRow(node, frame, state, acts) {
  const row = element("div", {
    role: "row", tabIndex: state.current ? 0 : -1, className: `row span${state.open ? " open" : ""}${state.hit ? " hit" : ""}`,
    style: { "--depth": Math.min(node.depth, MAX_INDENT), "--color": colorOf(node.service) }, on: { click: acts.toggle },
    aria: { level: node.depth + 1, ...(node.children.length ? { expanded: String(!state.collapsed) } : {}), label: spoken(node) },
  }, element("div", { className: "label", role: "gridcell", title: `${node.service}: ${operation(node)}` },
    folder(node, state, acts.fold), warning(node, state),
    element("b", {}, node.service), element("span", { className: "operation" }, operation(node))),
  element("div", { className: "lane", role: "gridcell" }, bar(node, frame)));
  return row;
}

function folder(node, state, fold) {
  if (!node.children.length) return element("span", { className: "folder" });
  const click = (event) => { event.stopPropagation(); fold(); };
  const title = state.collapsed ? `Show ${count(node.below, "span")} below` : "Hide what is below";
  return element("button", { type: "button", className: "folder", tabIndex: -1, title, aria: { label: title }, on: { click } },
    state.collapsed ? "▸" : "▾", state.collapsed && element("span", { className: "below" }, String(node.below)));
}

/** Full where a failure began, hollow where it was passed on, or is hidden below. */
function warning(node, state) {
  if (!node.failed && !(state.collapsed && node.failedBelow)) return null;
  const text = node.origin ? "failed, and nothing below it did" : node.failed ? "failed, as something below it did" : "something below failed";
  return element("span", { className: `failure${node.origin ? " origin" : ""}`, title: text, aria: { hidden: "true" } }, "!");
}

/** What is read out for a row. */
function spoken(node) {
  const failure = node.origin ? ", failed here" : node.failed ? ", failed" : "";
  return `${node.service}, ${operation(node)}, ${duration(node.length)}, starts at ${duration(node.start)}${failure}${node.events.length ? `, ${count(node.events.length, "event")}` : ""}`;
}

/** What a row says beside its service: the span's name, and for a call the edge that it went over. */
function operation(node) {
  return node.edge && node.kind === "client" ? `${node.name} ${node.edge.replace("->", " → ")}` : node.name;
}

function percent(at, frame) {
  return (100 * (at - frame.from)) / frame.length;
}

function bar(node, frame) {
  const left = percent(node.start, frame), right = percent(node.start + node.length, frame);
  const [from, to] = [Math.max(0, Math.min(100, left)), Math.max(0, Math.min(100, right))];
  const within = right >= 0 && left <= 100;
  const path = node.critical.filter(([start, end]) => percent(end, frame) > 0 && percent(start, frame) < 100).map(([start, end]) => {
    const [low, high] = [Math.max(0, percent(start, frame)), Math.min(100, percent(end, frame))];
    return element("i", { className: "critical", style: { left: `${low}%`, width: `${high - low}%` } });
  });
  const marks = node.events.map((event) => [percent(event.at - frame.start, frame), event]).filter(([at]) => at >= -0.01 && at <= 100.01)
    .map(([at, event]) => element("i", { className: `event ${storyOf(event) || "plain"}`, title: eventText(event), style: { left: `${at}%` } }));
  const place = to < 78 ? { left: `${to}%` } : from > 22 ? { right: `${100 - from}%` } : { right: `${100 - to}%` };
  return [
    within && element("i", { className: `bar${node.failed ? " failed" : ""}${node.kind === "client" || node.kind === "producer" ? " out" : ""}`, style: { left: `${from}%`, width: `${to - from}%` } }),
    ...path, ...marks,
    element("span", { className: `took${to >= 78 && from <= 22 ? " inside" : ""}`, style: within ? place : { [left > 100 ? "right" : "left"]: "0" } }, duration(node.length)),
  ].filter(Boolean);
}

/** An event of a span, at its moment. */
export function eventRow(node, event, frame) {
  const at = percent(event.at - frame.start, frame), story = storyOf(event);
  const text = eventText(event);
  return element("div", { role: "row", className: `row told ${story || "plain"}`, title: text, style: { "--depth": Math.min(node.depth, MAX_INDENT) }, aria: { level: node.depth + 2 } },
    element("div", { className: "label", role: "gridcell" }, element("span", {}, mark(event), ` +${duration(event.at - frame.start)}  ${text}`)),
    element("div", { className: "lane", aria: { hidden: "true" } },
      at >= 0 && at <= 100 && element("i", { className: `event ${story || "plain"}`, style: { left: `${at}%` } })));
}
