/** Places nodes of a directed graph in layers from left to right: callers stand left of whom they call. */

const SWEEPS = 8;

/**
 * A layout of edges, pairs of names: `nodes` has `{layer, row, of}` for each name, `routes` the places that each edge passes on its
 * way through the layers between (null for an edge that goes back, or to itself). An edge that closes a circle counts for nothing, so
 * any graph has layers.
 *
 * Source: Sugiyama's method: longest paths, a stand-in for a long edge in each layer that it crosses, and barycenters swept forth and
 * back against crossings.
 */
export function layered(edges) {
  const names = [...new Set(edges.flat())].sort();
  const forward = withoutCircles(names, edges);
  const layer = longestPaths(names, forward);
  const layers = [];
  for (const name of names) (layers[layer.get(name)] ??= []).push(name);
  const chains = forward.map(([from, to]) => chain(from, to, layer, layers));
  const steps = chains.flatMap((each) => each.slice(1).map((to, place) => [each[place], to]));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const order = sweep % 2 ? [...layers.keys()] : [...layers.keys()].reverse();
    for (const place of order) arrange(layers, place, steps, sweep % 2 ? 0 : 1);
  }
  const spots = new Map(layers.flatMap((each, place) => each.map((key, row) => [key, { layer: place, row, of: each.length }])));
  const routes = new Map(chains.map((each) => [`${each[0]} ${each.at(-1)}`, each.slice(1, -1).map((key) => spots.get(key))]));
  return { nodes: new Map(names.map((name) => [name, spots.get(name)])), routes: edges.map(([from, to]) => routes.get(`${from} ${to}`) ?? null) };
}

/** An edge from layer to layer; its stand-ins are objects, which no name can equal. */
function chain(from, to, layer, layers) {
  const between = [];
  for (let place = layer.get(from) + 1; place < layer.get(to); place++) {
    between.push({});
    layers[place].push(between.at(-1));
  }
  return [from, ...between, to];
}

function withoutCircles(names, edges) {
  const next = new Map(names.map((name) => [name, []]));
  for (const [from, to] of edges) if (from !== to) next.get(from).push(to);
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

function arrange(layers, place, steps, near) {
  const rows = new Map(layers.flatMap((each) => each.map((key, row) => [key, (row + 0.5) / each.length])));
  const neighbours = new Map();
  for (const step of steps) neighbours.set(step[1 - near], [...(neighbours.get(step[1 - near]) ?? []), rows.get(step[near])]);
  const middle = (key) => {
    const found = neighbours.get(key);
    return found ? found.reduce((sum, row) => sum + row, 0) / found.length : rows.get(key);
  };
  layers[place] = layers[place].map((key) => [middle(key), key]).sort(([a], [b]) => a - b).map(([, key]) => key);
}
