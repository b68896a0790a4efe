/** All that is known of one span: events, attributes, its process, links, and its logs. */

import { element } from "./element.js";
import { logList } from "./log_list.js";
import { mark } from "./span_event.js";
import { searchFor } from "./tags.js";
import { count, duration } from "./words.js";

const SEARCHABLE_CHARS = 200;

/** The row below an opened span. */
export function spanDetail(tree, node, logs, zoom) {
  const facts = element("p", { className: "facts" },
    element("span", {}, `starts at +${duration(node.start)}`), element("span", {}, `took ${duration(node.length)}`),
    node.children.length > 0 && element("span", {}, `${duration(node.self)} of it its own`),
    node.kind && element("span", {}, node.kind), element("code", {}, node.id),
    element("button", { type: "button", className: "small", on: { click: zoom } }, "Zoom to it"),
    element("a", { href: `/trace/${tree.id}?uiFind=${encodeURIComponent(node.id)}` }, "Link to it"));
  const links = node.span.references.filter((each) => each.refType === "FOLLOWS_FROM").map((each) =>
    element("li", {}, element("a", { href: `/trace/${each.traceID}?uiFind=${encodeURIComponent(each.spanID)}` }, `${each.traceID} span ${each.spanID}`)));
  return element("div", { role: "row", className: "row detail" }, element("div", { role: "gridcell" }, facts,
    events(tree, node),
    logs.length > 0 && part(`${count(logs.length, "log line")}`, true, logList(logs, { start: tree.start })),
    part("Attributes", true, table(node.span.tags, (tag) => searchable(tag) && searchFor(node.service, tag.key, tag.value))),
    links.length > 0 && part("Follows from", true, element("ul", {}, links)),
    part("Process", false, table([{ key: "service.name", value: node.service }, ...node.process.tags]))));
}

function part(title, open, content) {
  return element("details", { open }, element("summary", {}, title), content);
}

function events(tree, node) {
  if (!node.events.length) return null;
  const items = node.events.map((event) => element("li", {}, mark(event), ` ${event.name} `,
    element("span", { className: "soft" }, `+${duration(event.at - tree.start)}`), event.fields.length > 0 && table(event.fields)));
  return part(count(node.events.length, "event"), true, element("ul", { className: "events" }, items));
}

function searchable(tag) {
  return String(tag.value).length <= SEARCHABLE_CHARS;
}

function table(tags, address = () => null) {
  const rows = tags.map((tag) => element("tr", {}, element("th", { scope: "row" }, tag.key), element("td", {}, value(tag, address(tag)))));
  return element("table", {}, element("tbody", {}, rows));
}

function value(tag, address) {
  const text = String(tag.value);
  const shown = element(text.includes("\n") ? "pre" : "code", {}, text);
  return address ? [shown, element("a", { className: "like", href: address, title: "Find traces with this", aria: { label: `Find traces with ${tag.key} ${text}` } }, "find")] : [shown];
}
