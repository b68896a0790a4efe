/** Log records as lines that open: time, level, sender and message; inside, everything else. */

import { element } from "./element.js";
import { colorOf } from "./palette.js";
import { clock, duration, moment } from "./words.js";

/**
 * A list of records. With `start` (microseconds since 1970) times count from there, else they are the time of day.
 * `toSpan(id)` returns what a click on "show its span" does, or null; without it a record links to its trace.
 */
export function logList(lines, { start = null, toSpan = null } = {}) {
  return element("ol", { className: "logs" }, lines.map((line) => element("li", {}, record(line, start, toSpan))));
}

function record(line, start, toSpan) {
  const time = start === null ? clock(line.time_us) : `${line.time_us < start ? "" : "+"}${duration(line.time_us - start)}`;
  const summary = element("summary", {},
    element("span", { className: "time", title: moment(line.time_us) }, time),
    element("span", { className: `level ${rank(line.severity)}` }, line.level || "none"),
    element("span", { className: "sender", style: { "--color": colorOf(line.service) } }, line.instance || line.service),
    element("span", { className: "message" }, String(line.body)));
  const shown = element("details", {}, summary);
  shown.addEventListener("toggle", () => { if (shown.open && shown.childElementCount === 1) shown.append(inside(line, toSpan)); });
  return shown;
}

function rank(severity) {
  return severity >= 17 ? "bad" : severity >= 13 ? "warn" : severity >= 9 ? "info" : "debug";
}

function inside(line, toSpan) {
  const fields = [["time", moment(line.time_us)], ["logger", line.logger], ["service", line.service], ["instance", line.instance], ["span_id", line.span_id], ...Object.entries(line.attributes)];
  const rows = fields.filter(([, value]) => value !== "" && value !== undefined).map(([key, value]) => element("tr", {},
    element("th", { scope: "row" }, key), element("td", {}, element(String(value).includes("\n") ? "pre" : "code", {}, String(value)))));
  const act = toSpan?.(line.span_id);
  return element("div", { className: "inside" },
    act && element("button", { type: "button", className: "small", on: { click: act } }, "Show its span"),
    !toSpan && line.trace_id && element("a", { href: `/trace/${line.trace_id}${line.span_id ? `?uiFind=${line.span_id}` : ""}` }, `Trace ${line.trace_id}`),
    element("table", {}, element("tbody", {}, rows)));
}
