/** Tags of a search: people type `key=value key="two words"`, Jaeger's addresses and API have a JSON object of texts. */

const PAIR = /([^\s=]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))/g;

/** What was typed as Jaeger's JSON, empty for nothing. Raises Error saying how tags are written. */
export function tagsToJson(typed) {
  const text = typed.trim();
  if (!text) return "";
  if (text.startsWith("{")) return text; // Somebody pasted Jaeger's own form; the store says what is wrong with it.
  const pairs = [...text.matchAll(PAIR)].map(([, key, quoted, plain]) => [key, quoted?.replaceAll(/\\(.)/g, "$1") ?? plain]);
  if (!pairs.length || text.replaceAll(PAIR, "").trim()) throw new Error(`tags are written key=value, such as error=true http.route="/v1/orders"; "${text}" is not`);
  return JSON.stringify(Object.fromEntries(pairs));
}

/** Jaeger's JSON as people type it; what is none stays what it is. */
export function tagsToText(json) {
  let tags;
  try {
    tags = JSON.parse(json);
  } catch {
    return json;
  }
  if (tags === null || typeof tags !== "object" || Array.isArray(tags)) return json;
  return Object.entries(tags).map(([key, value]) => `${key}=${quoted(String(value))}`).join(" ");
}

function quoted(value) {
  return /[\s"]/.test(value) || value === "" ? `"${value.replaceAll(/["\\]/g, "\\$&")}"` : value;
}

/** The address of a search for one tag of a service. */
export function searchFor(service, key, value) {
  return `/search?${new URLSearchParams({ service, tags: JSON.stringify({ [key]: String(value) }) })}`;
}
