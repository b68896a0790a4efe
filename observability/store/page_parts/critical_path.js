/**
 * The critical path of a trace: what its first span was waiting for at each moment, told from its end backwards.
 *
 * Source: Jaeger's own page, `TracePage/CriticalPath`. What ends after its parent has (events told later) is cut where the parent
 * ends, and what only begins after that is on nobody's path.
 */

/** Gives every node its `critical` sections, pairs of start and end, and returns the time of each service on the path. */
export function markCriticalPath(tree) {
  const times = new Map();
  const pending = [[tree.root, tree.root.start + tree.root.length]];
  while (pending.length) {
    const [node, end] = pending.pop();
    let until = Math.min(end, node.start + node.length);
    const take = (from) => {
      if (until <= from) return;
      node.critical.push([from, until]);
      times.set(node.service, (times.get(node.service) ?? 0) + until - from);
    };
    for (const [child, childEnd] of lastFirst(node, until)) {
      if (childEnd > until) continue;
      take(childEnd);
      pending.push([child, childEnd]);
      until = child.start;
    }
    take(node.start);
  }
  return times;
}

/** Children that begin before `until`, with their ends cut to it, the last to end first. */
function lastFirst(node, until) {
  const inside = node.children.filter((child) => child.start < until);
  return inside.map((child) => [child, Math.min(child.start + child.length, until)]).sort(([, a], [, b]) => b - a);
}
