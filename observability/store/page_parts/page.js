"use strict";

const COLORS = 8;
const $ = (id) => document.getElementById(id);
let known = []; // Services in alphabetical order: a service has the same color in every trace.

/** An element: properties are set, `style` holds custom properties, children are text or elements. Never HTML: names come from anybody. */
function element(tag, properties = {}, ...children) {
  const { style, ...rest } = properties;
  const made = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(style ?? {})) made.style.setProperty(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

async function ask(path) {
  const response = await fetch(path);
  const answer = await response.json().catch(() => ({ errors: [{ msg: `the store answered ${response.status}` }] }));
  if (!response.ok) throw new Error(answer.errors.map((error) => error.msg).join("\n"));
  return answer.data;
}

function duration(us) {
  if (us === 0) return "0";
  if (us < 1e3) return `${us} µs`;
  if (us < 1e6) return `${(us / 1e3).toFixed(us < 1e5 ? 1 : 0)} ms`;
  return `${(us / 1e6).toFixed(2)} s`;
}

function moment(us) {
  const date = new Date(us / 1e3);
  return `${date.toLocaleDateString()} ${date.toLocaleTimeString()}`;
}

const tagOf = (span, key) => span.tags.find((tag) => tag.key === key)?.value;
const failed = (span) => tagOf(span, "error") === true;
const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** What both views need of a trace: bounds, services with colors, and spans in tree order. */
function summary(trace) {
  const start = Math.min(...trace.spans.map((span) => span.startTime));
  const end = Math.max(...trace.spans.map((span) => span.startTime + span.duration));
  const serviceOf = (span) => trace.processes[span.processID].serviceName;
  const services = [...new Set(trace.spans.map(serviceOf))].sort();
  const colorOf = (service) => `var(--s${Math.max(0, known.indexOf(service)) % COLORS})`;
  const rows = tree(trace.spans);
  return { start, length: Math.max(1, end - start), services, serviceOf, colorOf, rows, root: rows[0].span, errors: trace.spans.filter(failed).length };
}

/** Spans with their depth, children below their parent in order of start; spans whose parent is missing stand at the top. */
function tree(spans) {
  const ids = new Set(spans.map((span) => span.spanID));
  const children = new Map();
  for (const span of spans) {
    const parent = span.references.find((reference) => reference.refType === "CHILD_OF" && ids.has(reference.spanID) && reference.spanID !== span.spanID);
    const key = parent?.spanID ?? "";
    children.set(key, [...(children.get(key) ?? []), span]);
  }
  const rows = [], seen = new Set();
  const stack = (children.get("") ?? spans.slice(0, 1)).map((span) => ({ span, depth: 0 })).reverse();
  while (stack.length) {
    const row = stack.pop();
    if (seen.has(row.span.spanID)) continue;
    seen.add(row.span.spanID);
    rows.push(row);
    stack.push(...(children.get(row.span.spanID) ?? []).map((span) => ({ span, depth: row.depth + 1 })).reverse());
  }
  return rows;
}

function chips(facts, spans) {
  return element("span", { className: "chips" }, ...facts.services.map((service) => {
    const number = spans.filter((span) => facts.serviceOf(span) === service).length;
    return element("span", { className: "chip", style: { "--color": facts.colorOf(service) } }, `${service} ${number}`);
  }));
}

function errorsOf(facts) {
  return facts.errors ? element("span", { className: "bad" }, count(facts.errors, "error")) : null;
}

function result(trace, facts, longest) {
  const bar = element("i", { className: facts.errors ? "failed" : "", style: { width: `${(100 * facts.length) / longest}%` } });
  return element("li", {}, element("a", { href: `/trace/${trace.traceID}` },
    element("span", { className: "name" }, `${facts.serviceOf(facts.root)}: ${facts.root.operationName}`),
    element("span", { className: "duration" }, duration(facts.length)),
    element("span", { className: "facts" }, count(trace.spans.length, "span"), errorsOf(facts), chips(facts, trace.spans)),
    element("span", { className: "time" }, moment(facts.start)),
    element("span", { className: "length" }, bar)));
}

/** What a row says beside its service: the span's name, and for a call the edge that it went over. */
function operation(span) {
  const edge = tagOf(span, "firebreak.edge");
  return edge && tagOf(span, "span.kind") === "client" ? `${span.operationName} ${edge.replace("->", " → ")}` : span.operationName;
}

/** Tags as people type them, `key=value key="two words"`, to Jaeger's JSON. */
function tagsJson(text) {
  const tags = {};
  for (const [, key, quoted, plain] of text.matchAll(/([^\s=]+)=(?:"([^"]*)"|(\S*))/g)) tags[key] = quoted ?? plain;
  if (text.trim() && !Object.keys(tags).length) throw new Error(`tags are written key=value, such as error=true; "${text}" is not`);
  return Object.keys(tags).length ? JSON.stringify(tags) : "";
}

function fillOptions(select, names, chosen) {
  select.replaceChildren(select.options[0], ...names.map((name) => element("option", { value: name }, name)));
  select.value = names.includes(chosen) ? chosen : "";
}

async function fillOperations(form, chosen) {
  const service = form.service.value;
  const names = service ? await ask(`/api/services/${encodeURIComponent(service)}/operations`) : [];
  fillOptions(form.operation, names, chosen);
}

async function showSearch() {
  const form = $("search"), wanted = new URLSearchParams(location.search);
  for (const name of ["tags", "minDuration", "lookback"]) form[name].value = wanted.get(name) ?? "";
  form.limit.value = wanted.get("limit") ?? "20";
  fillOptions(form.service, known, wanted.get("service"));
  await fillOperations(form, wanted.get("operation"));
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  if (form.tags.value) query.set("tags", tagsJson(form.tags.value));
  const traces = await ask(`/api/traces?${query}`);
  const found = traces.map((trace) => [trace, summary(trace)]).sort(([, a], [, b]) => b.start - a.start);
  const longest = Math.max(1, ...found.map(([, facts]) => facts.length));
  $("results").replaceChildren(...found.map(([trace, facts]) => result(trace, facts, longest)));
  const none = form.service.options.length > 1 ? "No trace has all of that. Ask for less." : "No span has arrived yet.";
  $("summary").textContent = found.length ? `${count(found.length, "trace")}, the latest first` : none;
}

function table(tags) {
  const rows = tags.map((tag) => element("tr", {}, element("td", {}, tag.key), element("td", { className: "mono" }, String(tag.value))));
  return element("table", {}, ...rows);
}

function detail(trace, span, facts, depth) {
  const events = span.logs.flatMap((log) => [
    element("h3", {}, `Event at +${duration(log.timestamp - facts.start)}`), table(log.fields)]);
  return element("div", { className: "detail", style: { "--depth": depth } },
    element("div", { className: "facts" }, `starts at +${duration(span.startTime - facts.start)}`, element("code", {}, `span ${span.spanID}`)),
    ...events, element("h3", {}, "Span"), table(span.tags),
    element("h3", {}, "Process"), table(trace.processes[span.processID].tags));
}

function lane(span, facts, color) {
  const left = (100 * (span.startTime - facts.start)) / facts.length, width = (100 * span.duration) / facts.length;
  const bar = element("span", { className: failed(span) ? "bar failed" : "bar", style: { left: `${left}%`, width: `${width}%`, "--color": color } });
  const events = span.logs.map((log) => element("span", {
    className: "event", title: log.fields[0]?.value ?? "", style: { left: `${(100 * (log.timestamp - facts.start)) / facts.length}%` } }));
  const took = element("span", { className: "took", style: { left: `${Math.min(100, left + width)}%` } }, duration(span.duration));
  return element("span", { className: "lane" }, bar, ...events, took);
}

function spanRow(trace, { span, depth }, facts) {
  const service = facts.serviceOf(span), color = facts.colorOf(service);
  const label = element("span", { className: "label", title: `${service}: ${operation(span)}`, style: { "--depth": depth, "--color": color } },
    element("b", { className: failed(span) ? "bad" : "" }, service), element("span", {}, operation(span)));
  const row = element("button", { type: "button", className: "span", ariaExpanded: "false" }, label, lane(span, facts, color));
  row.addEventListener("click", () => {
    const open = row.ariaExpanded === "true";
    if (open) row.nextSibling.remove();
    else row.after(detail(trace, span, facts, depth));
    row.ariaExpanded = String(!open);
  });
  return row;
}

function logTable(lines, facts) {
  if (!lines.length) return [];
  const rows = lines.map((line) => element("tr", {},
    element("td", {}, `+${duration(Math.max(0, line.time_us - facts.start))} ${line.service}`),
    element("td", { className: "mono" }, element("b", { className: line.severity >= 17 ? "bad" : "" }, line.level.toUpperCase()), ` ${line.body}`)));
  return [element("h2", {}, "Logs"), element("table", { className: "logs" }, ...rows)];
}

async function showTrace(id) {
  const [[trace], lines] = await Promise.all([ask(`/api/traces/${id}`), ask(`/api/logs?trace_id=${id}&limit=500`)]);
  const facts = summary(trace);
  document.title = `${facts.root.operationName} · Firebreak traces`;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => element("span", {}, duration(Math.round(part * facts.length))));
  $("trace-view").replaceChildren(
    element("h1", {}, `${facts.serviceOf(facts.root)}: ${facts.root.operationName}`),
    element("div", { className: "facts" }, moment(facts.start), element("b", {}, duration(facts.length)), count(trace.spans.length, "span"), errorsOf(facts), element("code", {}, trace.traceID)),
    ...(trace.warnings ?? []).map((warning) => element("p", { className: "note bad" }, warning)),
    element("p", { className: "note" }, chips(facts, trace.spans)),
    element("div", { className: "waterfall" },
      element("div", { className: "axis" }, element("span", {}, "Service and operation"), element("span", { className: "ticks" }, ...ticks)),
      ...facts.rows.map((row) => spanRow(trace, row, facts))),
    ...logTable(lines, facts));
}

async function show() {
  const id = location.pathname.match(/^\/trace\/(.+)$/)?.[1];
  $("search-view").hidden = Boolean(id);
  $("trace-view").hidden = !id;
  document.title = "Firebreak traces";
  try {
    known = await ask("/api/services");
    await (id ? showTrace(id) : showSearch());
  } catch (error) {
    const note = element("p", { className: "note bad" }, error.message);
    if (id) $("trace-view").replaceChildren(note);
    else { $("summary").replaceChildren(note); $("results").replaceChildren(); }
  }
}

function go(path) {
  history.pushState(null, "", path);
  return show();
}

$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  go(`/search?${new URLSearchParams([...new FormData(event.target)].filter(([, value]) => value))}`);
});
$("search").service.addEventListener("change", (event) => fillOperations(event.target.form, ""));
$("open-trace").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = event.target.trace.value.trim();
  if (id) go(`/trace/${encodeURIComponent(id)}`);
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='/']");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  go(link.getAttribute("href"));
  scrollTo(0, 0);
});
addEventListener("popstate", show);
show();
