/** The store's query API: GET, and Jaeger's envelope around every answer. */

/** What the store said was wrong, and the HTTP status that it said it with (0: it did not answer at all). */
export class ApiError extends Error {
  constructor(status, messages) {
    super(messages.join("\n"));
    this.status = status;
  }
}

/** The data of an answer. `parameters` without a value are left out. Raises ApiError. */
export async function ask(path, parameters = {}) {
  const given = Object.entries(parameters).flatMap(([name, value]) => [value].flat().filter(Boolean).map((each) => [name, each]));
  const query = new URLSearchParams(given).toString();
  let response;
  try {
    response = await fetch(query ? `${path}?${query}` : path, { headers: { Accept: "application/json" } });
  } catch {
    throw new ApiError(0, ["The store does not answer. It may have ended with its system."]);
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) {
    const messages = Array.isArray(answer?.errors) ? answer.errors.map((error) => error.msg) : [`The store answered ${response.status}.`];
    throw new ApiError(response.status, messages);
  }
  if (answer === null) throw new ApiError(response.status, ["The answer broke off. The store may have been stopped meanwhile."]);
  return answer.data ?? [];
}

let asked = null;

/** Names of all services in alphabetical order, asked for at most once in five seconds. */
export function services() {
  if (asked === null || performance.now() - asked.at > 5000) {
    asked = { at: performance.now(), names: ask("/api/services") };
    asked.names.catch(() => { asked = null; });
  }
  return asked.names;
}
