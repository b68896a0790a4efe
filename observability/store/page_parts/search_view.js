/** The search for traces: a form whose content is the page's address, a chart of what was found, and a list. */

import { ask, services } from "./api.js";
import { choice, element, entry, field, note } from "./element.js";
import { colorOf } from "./palette.js";
import { scatter } from "./scatter.js";
import { storiesOf, STORIES, storyOf } from "./span_event.js";
import { spanTree } from "./span_tree.js";
import { tagsToJson, tagsToText } from "./tags.js";
import { count, duration, moment } from "./words.js";

const NAMES = ["service", "operation", "tags", "tag", "minDuration", "maxDuration", "lookback", "start", "end", "limit"];
const LOOKBACKS = [["", "any time"], ["5m", "last 5 minutes"], ["15m", "last 15 minutes"], ["1h", "last hour"], ["6h", "last 6 hours"], ["24h", "last 24 hours"], ["custom", "from … to …"]];
const LIMITS = ["20", "50", "100", "200"];
const ORDERS = {
  recent: ["latest first", (a, b) => b.start - a.start],
  longest: ["longest first", (a, b) => b.length - a.length],
  shortest: ["shortest first", (a, b) => a.length - b.length],
  errors: ["most errors first", (a, b) => b.errors - a.errors || b.start - a.start],
  spans: ["most spans first", (a, b) => b.nodes.length - a.nodes.length],
};

/** The view at `/` and `/search`, with the parameters of Jaeger's page. */
export async function showSearch(parameters) {
  const known = await services();
  const form = await searchForm(parameters, known);
  const asked = Object.fromEntries(NAMES.map((name) => [name, parameters.getAll(name)]));
  if (!parameters.get("limit")) asked.limit = ["20"];
  if (asked.lookback[0] !== "custom" && asked.lookback[0]) asked.start = asked.end = []; // Jaeger's page sends both; the words win.
  const results = element("div", {});
  try {
    const trees = (await ask("/api/traces", asked)).filter((trace) => trace.spans.length).map(spanTree);
    if (trees.length) fillResults(results, trees, Number(asked.limit[0]), "recent");
    else results.replaceChildren(nothing(known, parameters));
  } catch (error) {
    results.replaceChildren(note("failure", "The search cannot be made", ...error.message.split("\n")));
  }
  return { title: "Traces", content: [element("h1", { className: "unseen" }, "Search traces"), form, results] };
}

function nothing(known, parameters) {
  if (!known.length) {
    return note("", "No span has arrived yet", ["Start a system with ", element("code", {}, "testbed up"), " and send customers with ", element("code", {}, "testbed load"), "."],
      ["Anything else may send OTLP over HTTP (", element("code", {}, "/v1/traces"), ") to this store’s other port, 4318 unless another was chosen."]);
  }
  const wider = parameters.toString() ? [element("a", { href: "/search" }, "Show the latest traces of all services"), ", or ask for less: a longer time, fewer tags, a shorter duration."] : "Spans are there, but none of them in a trace.";
  return note("", "No trace has all of that", wider);
}

async function searchForm(parameters, known) {
  const get = (name) => parameters.get(name) ?? "";
  const operation = choice("operation", [["", "any operation"], ...(await operationsOf(get("service")))], get("operation"));
  const service = choice("service", [["", "any service"], ...known], get("service"));
  service.addEventListener("change", async () => {
    const names = await operationsOf(service.value).catch(() => []);
    operation.replaceChildren(...choice("", [["", "any operation"], ...names], "").children);
    operation.selectedIndex = 0;
  });
  const lookback = choice("lookback", LOOKBACKS, get("start") && !get("lookback") ? "custom" : get("lookback"));
  const times = element("fieldset", { className: "times" },
    field("From", entry("start", localTime(get("start")), "", { type: "datetime-local", step: "1" })),
    field("To", entry("end", localTime(get("end")), "", { type: "datetime-local", step: "1" })));
  const toggle = () => { times.hidden = lookback.value !== "custom"; };
  lookback.addEventListener("change", toggle);
  toggle();
  const typed = get("tags") ? tagsToText(get("tags")) : parameters.getAll("tag").map((tag) => tag.replace(":", "=")).join(" ");
  const tags = entry("tags", typed, "error=true http.response.status_code=503", { maxLength: 2000 });
  const form = element("form", { className: "filters" },
    field("Service", service), field("Operation", operation, "wide"), field("Tags", tags, "wide"),
    field("At least", entry("minDuration", get("minDuration"), "100ms", { maxLength: 30 }), "narrow"),
    field("At most", entry("maxDuration", get("maxDuration"), "1.5s", { maxLength: 30 }), "narrow"),
    field("Time", lookback), times, field("Limit", choice("limit", LIMITS, get("limit") || "20"), "narrow"),
    element("button", { type: "submit" }, "Find traces"));
  form.addEventListener("submit", (event) => submit(event, tags));
  return form;
}

async function operationsOf(service) {
  return service ? ask(`/api/services/${encodeURIComponent(service)}/operations`) : [];
}

function submit(event, tags) {
  event.preventDefault();
  const data = new FormData(event.target);
  try {
    data.set("tags", tagsToJson(tags.value));
  } catch (error) {
    tags.setCustomValidity(error.message);
    tags.reportValidity();
    tags.addEventListener("input", () => tags.setCustomValidity(""), { once: true });
    return;
  }
  const custom = data.get("lookback") === "custom";
  for (const name of ["start", "end"]) data.set(name, custom && data.get(name) ? String(new Date(data.get(name)).getTime() * 1000) : "");
  const query = new URLSearchParams([...data].filter(([, value]) => value));
  event.target.dispatchEvent(new CustomEvent("go", { bubbles: true, detail: `/search?${query}` }));
}

/** Microseconds since 1970 as a field for date and time has them. */
function localTime(us) {
  if (!/^\d{1,17}$/.test(us)) return "";
  const date = new Date(Number(us) / 1e3);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

function fillResults(results, trees, limit, order) {
  const sorted = [...trees].sort(ORDERS[order][1]);
  const longest = trees.reduce((most, tree) => Math.max(most, tree.length), 1);
  const select = choice("order", Object.entries(ORDERS).map(([name, [text]]) => [name, text]), order);
  select.addEventListener("change", () => { fillResults(results, trees, limit, select.value); results.querySelector("select").focus(); });
  const more = trees.length >= limit ? ", the latest of all that match" : "";
  results.replaceChildren(
    scatter(trees),
    element("div", { className: "heading" }, element("h2", { role: "status" }, `${count(trees.length, "trace")}${more}`), field("Order", select, "inline")),
    element("ol", { className: "results" }, sorted.map((tree) => result(tree, longest))));
}

function result(tree, longest) {
  const stories = storiesOf(tree).map(([name, nodes]) =>
    element("span", { className: `story ${storyOf({ name })}` }, `${STORIES[storyOf({ name })]} ${name}${nodes.length > 1 ? ` ×${nodes.length}` : ""}`));
  const bar = element("i", { className: tree.errors ? "failed" : "", style: { width: `${(100 * tree.length) / longest}%` } });
  return element("li", {}, element("a", { href: `/trace/${tree.id}` },
    element("span", { className: "name" }, element("b", {}, tree.root.service), ` ${tree.root.name}`),
    element("span", { className: "took" }, duration(tree.length)),
    element("span", { className: "facts" }, element("span", {}, count(tree.nodes.length, "span")),
      tree.errors > 0 && element("span", { className: "bad" }, count(tree.errors, "error")), stories, chips(tree)),
    element("span", { className: "when" }, moment(tree.start)),
    element("span", { className: "length" }, bar)));
}

/** The services of a trace in their colors, with how many spans each has. */
export function chips(tree) {
  return [...tree.services].map(([service, spans]) => element("span", { className: "chip", style: { "--color": colorOf(service) } }, `${service} ${spans}`));
}
