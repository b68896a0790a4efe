/** The page: shows the view that its address names, and follows links between views without loading anew. */

import { element, note } from "./element.js";
import { services } from "./api.js";
import { paint } from "./palette.js";
import { showGraph } from "./graph_view.js";
import { showLogs } from "./logs_view.js";
import { showSearch } from "./search_view.js";
import { showTrace } from "./trace_view.js";

const VIEWS = [
  [/^\/trace\/(.+)$/, (parameters, id) => showTrace(parameters, decodeURIComponent(id)), "/search"],
  [/^\/dependencies$/, showGraph, "/dependencies"],
  [/^\/logs$/, showLogs, "/logs"],
  [/^/, showSearch, "/search"],
];
const view = document.getElementById("view");
let turn = 0; // Of the address shown last: an answer to an earlier one comes too late.

async function show() {
  const mine = ++turn;
  const [found, showIt, place] = VIEWS.map(([pattern, ...rest]) => [location.pathname.match(pattern), ...rest]).find(([match]) => match);
  for (const link of document.querySelectorAll("nav a")) link.ariaCurrent = link.getAttribute("href") === place ? "page" : null;
  view.ariaBusy = "true";
  const late = setTimeout(() => { if (mine === turn) view.replaceChildren(element("p", { className: "loading", role: "status" }, "Asking the store…")); }, 150);
  try {
    paint(await services());
    const { title, content, ready } = await showIt(new URLSearchParams(location.search), found[1]);
    if (mine !== turn) return;
    document.title = `${title} · Firebreak`;
    view.replaceChildren(...content);
    ready?.();
  } catch (error) {
    if (mine === turn) view.replaceChildren(failure(error));
  } finally {
    clearTimeout(late);
    if (mine === turn) view.ariaBusy = "false";
  }
}

function failure(error) {
  const again = element("button", { type: "button", on: { click: show } }, "Ask again");
  if (error.status === 404) return note("failure", "Nothing is kept under that id", error.message, "It may have been deleted by age or size, or never have arrived: what was sent is found here after about a second.", again);
  if (error.status === 0) return note("failure", "The store does not answer", "It may have ended with its system. Start it again, or look at what is left.", again);
  return note("failure", "That did not work", ...error.message.split("\n"), again);
}

/** Shows another address. */
function go(path) {
  history.pushState(null, "", path);
  scrollTo(0, 0);
  return show();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='/']");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (link.target || link.getAttribute("href").startsWith("/api/")) return;
  event.preventDefault();
  go(link.getAttribute("href")).then(() => view.focus({ preventScroll: true }));
});
document.addEventListener("go", (event) => go(event.detail));
document.getElementById("open-trace").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = event.target.trace.value.trim();
  if (id) go(`/trace/${encodeURIComponent(id)}`);
});
addEventListener("popstate", show);
show();
