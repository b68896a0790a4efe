/** The search for log records: a form whose content is the page's address, and the records, the latest at the top. */

import { ask, services } from "./api.js";
import { choice, element, entry, field, note } from "./element.js";
import { logList } from "./log_list.js";
import { count } from "./words.js";

const NAMES = ["service", "level", "grep", "trace_id", "since", "limit"];
const LEVELS = [["", "any level"], ["debug", "debug and above"], ["info", "info and above"], ["warn", "warn and above"], ["error", "error and above"], ["fatal", "fatal"]];
const SINCE = [["", "any time"], ["5m", "last 5 minutes"], ["15m", "last 15 minutes"], ["1h", "last hour"], ["24h", "last 24 hours"]];
const LIMITS = ["100", "500", "2000", "5000"];
const FOLLOW_MS = 2000;

/** The view at `/logs`. Its parameters are those of `/api/logs`, which are those of `testbed logs`, and `follow`. */
export async function showLogs(parameters) {
  const asked = Object.fromEntries(NAMES.map((name) => [name, parameters.getAll(name)]));
  const known = await services();
  const results = element("div", {});
  const fill = async () => {
    const lines = (await ask("/api/logs", asked)).reverse();
    const limit = Number(asked.limit[0] ?? 100);
    const cut = lines.length >= limit ? ", the latest of all that match" : "";
    if (lines.length) results.replaceChildren(element("div", { className: "heading" }, element("h2", { role: "status" }, `${count(lines.length, "log line")}${cut}`)), logList(lines));
    else results.replaceChildren(nothing(NAMES.some((name) => parameters.get(name))));
  };
  try {
    await fill();
  } catch (error) {
    results.replaceChildren(note("failure", "The search cannot be made", ...error.message.split("\n")));
  }
  const form = logForm(parameters, known);
  const following = element("input", { type: "checkbox", name: "follow", value: "on", defaultChecked: parameters.get("follow") === "on" });
  const why = element("span", { role: "status" });
  form.append(element("label", { className: "check" }, following, element("span", {}, "Follow"), why));
  return { title: "Logs", content: [element("h1", { className: "unseen" }, "Search logs"), form, results], ready: () => follow(following, why, fill) };
}

/** Asks again and again while the box is ticked and the view is shown. `why` says what holds it up: an open line, or a failure. */
function follow(box, why, fill) {
  let timer = 0;
  const again = async () => {
    clearTimeout(timer);
    if (!box.isConnected) return;
    why.textContent = box.checked && document.querySelector(".logs details[open]") ? "waits until the open line is closed" : "";
    if (!box.checked) return;
    if (!document.hidden && !why.textContent) await fill().catch((error) => { why.textContent = `asks again: ${error.message}`; });
    timer = setTimeout(again, FOLLOW_MS);
  };
  box.addEventListener("change", () => {
    const address = new URL(location);
    if (box.checked) address.searchParams.set("follow", "on");
    else address.searchParams.delete("follow");
    history.replaceState(null, "", address);
    again();
  });
  if (box.checked) timer = setTimeout(again, FOLLOW_MS);
}

function logForm(parameters, known) {
  const get = (name) => parameters.get(name) ?? "";
  const form = element("form", { className: "filters" },
    field("Service", choice("service", [["", "any service"], ...known], get("service"))),
    field("Level", choice("level", LEVELS, get("level"))),
    field("Text", entry("grep", get("grep"), "breaker of orders", { maxLength: 200 }), "wide"),
    field("Trace", entry("trace_id", get("trace_id"), "its id", { maxLength: 32 }), "wide"),
    field("Time", choice("since", SINCE, get("since"))),
    field("Limit", choice("limit", LIMITS, get("limit") || "100"), "narrow"),
    element("button", { type: "submit" }, "Find lines"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const query = new URLSearchParams([...new FormData(form)].filter(([name, value]) => name && value));
    form.dispatchEvent(new CustomEvent("go", { bubbles: true, detail: `/logs?${query}` }));
  });
  return form;
}

function nothing(isAsked) {
  if (!isAsked) {
    return note("", "No log line has arrived yet", ["Services started by ", element("code", {}, "testbed up"), " send theirs here. Anything else may send OTLP over HTTP (", element("code", {}, "/v1/logs"), ")."]);
  }
  return note("", "No line has all of that", [element("a", { href: "/logs" }, "Show the latest lines of all services"), ", or ask for less."]);
}
