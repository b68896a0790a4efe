/** Events of spans: which of them tell a story, and in what words. */

import { element } from "./element.js";

/** A mark and a word for each kind that is worth a line of its own. */
export const STORIES = { chaos: "▲", resilience: "◆", exception: "✕" };

/** The kind of an event by its name; empty when it tells nothing beyond its own span. */
export function storyOf(event) {
  return Object.keys(STORIES).find((story) => event.name === story || event.name.startsWith(`${story}.`)) ?? "";
}

/** An event in one line: its name, and its fields without their prefixes. A stack trace stays in the details. */
export function eventText(event) {
  const fields = event.fields.filter((field) => field.key !== "exception.stacktrace" && field.value !== "" && field.key !== "exception.escaped");
  const said = fields.map((field) => `${field.key.slice(field.key.lastIndexOf(".") + 1)}=${field.value}`);
  return [event.name, ...said].join("  ");
}

/** How often each story is told in a trace, as pairs of event name and nodes. */
export function storiesOf(tree) {
  const found = new Map();
  for (const node of tree.nodes) {
    for (const event of node.events) if (storyOf(event)) found.set(event.name, [...(found.get(event.name) ?? []), node]);
  }
  return [...found].sort(([a], [b]) => a.localeCompare(b));
}

/** The mark of an event's kind. */
export function mark(event) {
  const story = storyOf(event);
  return element("span", { className: `mark ${story || "plain"}`, aria: { hidden: "true" } }, STORIES[story] ?? "•");
}
