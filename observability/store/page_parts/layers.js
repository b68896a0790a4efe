/** Places nodes of a directed graph in layers from left to right: callers stand left of whom they call. */

/**
 * Names to `{layer, row}`. Edges are pairs of names; one that closes a circle counts for nothing, so that any graph has layers.
 * Within a layer a node stands near the middle of its neighbours (barycenters, swept forth and back).
 */
export function layered(edges) {
  const names = [...new Set(edges.flat())].sort();
  const forward = withoutCircles(names, edges);
  const layer = longestPaths(names, forward);
  const layers = [];
  for (const name of names) (layers[layer.get(name)] ??= []).push(name);
  for (let sweep = 0; sweep < 8; sweep++) {
    const order = sweep % 2 ? layers.keys() : [...layers.keys()].reverse();
    for (const place of order) arrange(layers, place, forward, sweep % 2 ? 0 : 1);
  }
  return new Map(layers.flatMap((each, place) => each.map((name, row) => [name, { layer: place, row, of: each.length }])));
}

function withoutCircles(names, edges) {
  const next = new Map(names.map((name) => [name, edges.filter(([from, to]) => from === name && to !== name).map(([, to]) => to)]));
  const called = new Set(edges.filter(([from, to]) => from !== to).map(([, to]) => to));
  const state = new Map(), kept = [];
  const visit = (start) => {
    const stack = [[start, 0]];
    while (stack.length) {
      const top = stack.at(-1), [name, place] = top, callees = next.get(name);
      state.set(name, "open");
      if (place === callees.length) { state.set(name, "done"); stack.pop(); continue; }
      top[1] += 1;
      const callee = callees[place];
      if (state.get(callee) === "open") continue;
      kept.push([name, callee]);
      if (!state.has(callee)) stack.push([callee, 0]);
    }
  };
  for (const name of [...names.filter((each) => !called.has(each)), ...names]) if (!state.has(name)) visit(name);
  return kept;
}

function longestPaths(names, edges) {
  const layer = new Map(names.map((name) => [name, 0]));
  for (let round = 0; round < names.length; round++) {
    let moved = false;
    for (const [from, to] of edges) {
      if (layer.get(to) > layer.get(from)) continue;
      layer.set(to, layer.get(from) + 1);
      moved = true;
    }
    if (!moved) break;
  }
  return layer;
}

function arrange(layers, place, edges, near) {
  const rows = new Map(layers.flatMap((each) => each.map((name, row) => [name, (row + 0.5) / each.length])));
  const middle = new Map(layers[place].map((name) => {
    const neighbours = edges.filter((edge) => edge[1 - near] === name).map((edge) => rows.get(edge[near]));
    return [name, neighbours.length ? neighbours.reduce((sum, row) => sum + row, 0) / neighbours.length : rows.get(name)];
  }));
  layers[place].sort((a, b) => middle.get(a) - middle.get(b) || a.localeCompare(b));
}
