/** A trace as the views need it: a tree of spans, with times in microseconds from the trace's start. */

/**
 * Reads a trace of the API. Spans whose parent is not there stand at the top; those in a circle of parents as well.
 * A failed span is an `origin` when nothing that it waited for failed: the others only pass a failure on. What begins after a span
 * has ended, such as an event told later, is no reason of its.
 */
export function spanTree(trace) {
  const nodes = trace.spans.map((span) => nodeOf(span, trace.processes[span.processID] ?? { serviceName: "unknown", tags: [] }));
  const start = Math.min(...ends(nodes, (node) => node.span.startTime));
  for (const node of nodes) node.start = node.span.startTime - start;
  nodes.sort((a, b) => a.start - b.start);
  link(nodes);
  const ordered = inOrder(nodes);
  for (const node of [...ordered].reverse()) sumUp(node);
  const length = ordered.reduce((most, node) => Math.max(most, node.start + node.length), 1);
  return {
    id: trace.traceID, start, length, nodes: ordered, root: ordered[0], warnings: trace.warnings ?? [],
    errors: ordered.filter((node) => node.failed).length, services: servicesOf(ordered),
    depth: ordered.reduce((most, node) => Math.max(most, node.depth), 0) + 1,
  };
}

/** Math.min takes so many arguments and no more: the least and greatest, found in one pass. */
function ends(nodes, key) {
  let least = Infinity, most = -Infinity;
  for (const node of nodes) { least = Math.min(least, key(node)); most = Math.max(most, key(node)); }
  return [least, most];
}

function nodeOf(span, process) {
  const tags = new Map(span.tags.map((tag) => [tag.key, tag.value]));
  return {
    span, process, tags, id: span.spanID, name: span.operationName, service: process.serviceName, length: span.duration,
    kind: tags.get("span.kind") ?? "", edge: tags.get("firebreak.edge") ?? "",
    failed: tags.get("error") === true || tags.get("error") === "true",
    events: span.logs.map(eventOf), parent: null, children: [], depth: 0,
    origin: false, failedBelow: 0, failedWithin: 0, below: 0, self: 0, critical: [],
  };
}

function eventOf(log) {
  const fields = log.fields.filter((field) => field.key !== "event");
  return { at: log.timestamp, name: String(log.fields.find((field) => field.key === "event")?.value ?? "event"), fields };
}

function link(nodes) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const node of nodes) {
    const parents = node.span.references.filter((each) => each.refType === "CHILD_OF" && each.spanID !== node.id);
    node.parent = parents.map((each) => byId.get(each.spanID)).find(Boolean) ?? null;
    node.parent?.children.push(node);
  }
}

/** Nodes with their depth, each above its children. */
function inOrder(nodes) {
  const ordered = [], seen = new Set();
  const visit = (root) => {
    const stack = [[root, 0]];
    while (stack.length) {
      const [node, depth] = stack.pop();
      if (seen.has(node)) continue;
      seen.add(node);
      node.depth = depth;
      ordered.push(node);
      for (let place = node.children.length - 1; place >= 0; place--) stack.push([node.children[place], depth + 1]);
    }
  };
  nodes.filter((node) => node.parent === null).forEach(visit);
  for (const node of nodes) {
    if (seen.has(node)) continue;
    node.parent.children.splice(node.parent.children.indexOf(node), 1);
    node.parent = null;
    visit(node);
  }
  return ordered;
}

/** What a node knows of those below it, once they know their own: failures, how many there are, and its own time. */
function sumUp(node) {
  node.below = node.children.reduce((sum, child) => sum + 1 + child.below, 0);
  node.failedBelow = node.children.reduce((sum, child) => sum + child.failed + child.failedBelow, 0);
  const waited = node.children.filter((child) => child.start < node.start + node.length);
  node.failedWithin = waited.reduce((sum, child) => sum + child.failed + child.failedWithin, 0);
  node.origin = node.failed && node.failedWithin === 0;
  let covered = 0, until = node.start;
  for (const child of node.children) { // In order of their start.
    const end = Math.min(child.start + child.length, node.start + node.length);
    covered += Math.max(0, end - Math.max(until, child.start));
    until = Math.max(until, end);
  }
  node.self = Math.max(0, node.length - covered);
}

function servicesOf(nodes) {
  const services = new Map();
  for (const { service } of nodes) services.set(service, (services.get(service) ?? 0) + 1);
  return new Map([...services].sort(([a], [b]) => a.localeCompare(b)));
}
