/** One trace: what it was, where its time went, its waterfall, and its logs. */

import { ask } from "./api.js";
import { choice, element, entry, field, note } from "./element.js";
import { markCriticalPath } from "./critical_path.js";
import { logList } from "./log_list.js";
import { overview } from "./overview.js";
import { colorOf } from "./palette.js";
import { chips } from "./search_view.js";
import { STORIES, storiesOf, storyOf } from "./span_event.js";
import { spanTree } from "./span_tree.js";
import { Waterfall } from "./waterfall.js";
import { count, duration, moment } from "./words.js";

const MAX_LOGS = 2000;

/** The view at `/trace/<id>`. `?uiFind=` marks what contains that text, as in Jaeger's page; a span's id shows that span. */
export async function showTrace(parameters, id) {
  const [[trace], logs] = await Promise.all([
    ask(`/api/traces/${encodeURIComponent(id)}`),
    ask("/api/logs", { trace_id: id, limit: MAX_LOGS }).catch((error) => error), // A trace without its logs is still a trace.
  ]);
  const tree = spanTree(trace);
  const times = markCriticalPath(tree);
  const lines = logs instanceof Error ? [] : logs;
  const waterfall = new Waterfall(tree, logsBySpan(lines));
  const title = `${tree.root.service}: ${tree.root.name}`;
  const content = [
    element("h1", {}, element("b", {}, tree.root.service), ` ${tree.root.name}`),
    facts(tree, lines),
    ...tree.warnings.map((warning) => element("p", { className: "warning", role: "note" }, warning)),
    stories(tree, waterfall), path(tree, times),
    tools(tree, waterfall, parameters.get("uiFind") ?? ""),
    overview(tree, (from, to) => waterfall.zoom(from, to)), waterfall.element,
    logsOf(tree, lines, logs instanceof Error ? logs.message : "", waterfall),
  ];
  return { title, content, ready: () => waterfall.begin(parameters.get("uiFind") ?? "") };
}

function logsBySpan(lines) {
  const bySpan = new Map();
  for (const line of lines) if (line.span_id) bySpan.set(line.span_id, [...(bySpan.get(line.span_id) ?? []), line]);
  return bySpan;
}

function facts(tree, lines) {
  const ended = tree.root.start + tree.root.length;
  return element("p", { className: "facts" },
    element("span", {}, moment(tree.start)), element("b", {}, duration(tree.length)),
    ended < tree.length * 0.95 && element("span", {}, `first span ${duration(tree.root.length)}`), element("span", {}, count(tree.nodes.length, "span")),
    element("span", {}, count(tree.services.size, "service")), element("span", {}, `${tree.depth} deep`),
    tree.errors > 0 && element("span", { className: "bad" }, count(tree.errors, "error")),
    element("a", { href: `/logs?trace_id=${tree.id}` }, count(lines.length, "log line")),
    element("a", { href: `/api/traces/${tree.id}?prettyPrint=true` }, "JSON"), element("code", {}, tree.id));
}

/** What happened on the way, each with how often; a click goes to the first. */
function stories(tree, waterfall) {
  const origins = tree.nodes.filter((node) => node.origin);
  const buttons = storiesOf(tree).map(([name, nodes]) => {
    const story = storyOf({ name });
    return jump(`story ${story}`, `${STORIES[story]} ${name}${nodes.length > 1 ? ` ×${nodes.length}` : ""}`, nodes[0], waterfall);
  });
  if (origins.length) buttons.unshift(jump("story failure", `! where it failed: ${origins[0].service} ${origins[0].name}${origins.length > 1 ? ` and ${origins.length - 1} more` : ""}`, origins[0], waterfall));
  return buttons.length ? element("p", { className: "stories", aria: { label: "What happened" } }, buttons) : null;
}

function jump(className, text, node, waterfall) {
  return element("button", { type: "button", className, on: { click: () => waterfall.goTo(node) } }, text);
}

/** The critical path in one bar: how much of the time each service was being waited for. */
function path(tree, times) {
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  if (times.size < 2 || total <= 0) return element("p", { className: "chips" }, chips(tree));
  const sorted = [...times].sort(([, a], [, b]) => b - a);
  const parts = sorted.map(([service, time]) => element("i", { title: `${service} ${duration(time)}`, style: { width: `${(100 * time) / total}%`, "--color": colorOf(service) } }));
  const legend = sorted.map(([service, time]) => element("span", { className: "chip", style: { "--color": colorOf(service) } },
    `${service} `, element("b", {}, `${Math.round((100 * time) / total)} %`), ` ${duration(time)}, ${count(tree.services.get(service), "span")}`));
  const others = [...tree.services].filter(([service]) => !times.has(service)).map(([service, spans]) =>
    element("span", { className: "chip soft", style: { "--color": colorOf(service) } }, `${service} waited for by nobody, ${count(spans, "span")}`));
  return element("section", { className: "path" }, element("h2", {}, "Where the time went"),
    element("div", { className: "stack", aria: { hidden: "true" } }, parts), element("p", { className: "chips" }, legend, others));
}

function tools(tree, waterfall, wanted) {
  const find = entry("find", wanted, "Find in this trace", { type: "search", maxLength: 200 });
  const hits = element("output", {});
  const search = () => { const found = waterfall.find(find.value); hits.textContent = find.value ? count(found, "span") : ""; };
  find.addEventListener("input", search);
  find.addEventListener("keydown", (event) => { if (event.key === "Enter") waterfall.goToNextHit(); });
  const events = choice("events", [["stories", "faults and protection"], ["all", "all events"], ["none", "no events"]], "stories");
  events.addEventListener("change", () => waterfall.showEvents(events.value));
  const button = (text, act) => element("button", { type: "button", on: { click: act } }, text);
  return element("div", { className: "tools", role: "toolbar", aria: { label: "Waterfall" } },
    element("label", { className: "find" }, element("span", { className: "unseen" }, "Find in this trace"), find, hits), field("Show", events, "inline"),
    button("Expand all", () => waterfall.expandAll()), button("Collapse all", () => waterfall.collapseAll()),
    waterfall.zoomButtons);
}

function logsOf(tree, lines, problem, waterfall) {
  const heading = element("h2", { id: "logs" }, "Logs of this trace");
  if (problem) return element("section", {}, heading, note("failure", "The logs cannot be shown", problem));
  if (!lines.length) return element("section", {}, heading, element("p", { className: "soft" }, "No log line has this trace’s id."));
  const nodes = new Map(tree.nodes.map((node) => [node.id, node]));
  const cut = lines.length >= MAX_LOGS && element("p", { className: "warning" }, `Only the last ${MAX_LOGS} lines are shown; narrow them down in the search of logs.`);
  return element("section", {}, heading, cut, logList(lines, { start: tree.start, toSpan: (id) => nodes.has(id) ? () => waterfall.goTo(nodes.get(id)) : null }));
}
