/** The waterfall: spans as rows of a tree over time, with the events that tell a story below their span. */

import { element } from "./element.js";
import { RowList } from "./row_list.js";
import { spanDetail } from "./span_detail.js";
import { storyOf } from "./span_event.js";
import { eventRow, spanRow } from "./waterfall_rows.js";
import { duration } from "./words.js";

const HEIGHTS = { wide: { span: 28, event: 22 }, narrow: { span: 46, event: 24 } };

/** One trace's waterfall. Only rows in sight are in the document, so that ten thousand spans scroll as ten do. */
export class Waterfall {
  #tree; #logs; #rows; #axis;
  #collapsed = new Set();
  #opened = new Set();
  #details = new Map();
  #events = "stories";
  #hits = [];
  #hit = -1;
  #current;
  #range;
  #narrow = matchMedia("(max-width: 640px)");

  constructor(tree, logsBySpan) {
    this.#tree = tree;
    this.#logs = logsBySpan;
    this.#current = tree.root;
    this.#range = [0, tree.length];
    this.#axis = element("div", { className: "ticks", aria: { hidden: "true" } });
    this.#rows = new RowList((item) => this.#draw(item), { role: "treegrid", className: "rows", aria: { label: "Spans" } });
    this.#rows.element.addEventListener("keydown", (event) => this.#key(event));
    this.zoomButtons = [
      element("button", { type: "button", on: { click: () => this.zoom(tree.root.start, tree.root.start + tree.root.length) } }, "First span’s time"),
      element("button", { type: "button", on: { click: () => this.zoom(0, tree.length) } }, "All the time"),
    ];
    this.element = element("div", { className: "waterfall" },
      element("div", { className: "axis" }, element("span", {}, "Service and operation"), this.#axis), this.#rows.element);
    this.#narrow.addEventListener("change", () => this.#arrange());
  }

  /** Draws for the first time, once the element is in the document. */
  begin(wanted) {
    this.#drawAxis();
    this.#arrange();
    if (wanted && this.find(wanted)) this.goToNextHit();
  }

  /** Shows a part of the time, from and to microseconds from the trace's start. */
  zoom(from, to) {
    this.#range = [from, Math.max(from + 1, to)];
    this.#drawAxis();
    this.#arrange(true);
  }

  /** Which events have rows: `stories`, `all` or `none`. */
  showEvents(which) {
    this.#events = which;
    this.#arrange();
  }

  expandAll() {
    this.#collapsed.clear();
    this.#arrange(true);
  }

  collapseAll() {
    for (const node of this.#tree.nodes) if (node.children.length && node.depth > 0) this.#collapsed.add(node);
    this.#arrange(true);
  }

  /** Marks the spans that have a text somewhere, and returns how many there are. */
  find(text) {
    const wanted = text.trim().toLowerCase();
    this.#hits = wanted ? this.#tree.nodes.filter((node) => isIn(node, wanted)) : [];
    this.#hit = -1;
    this.#arrange(true);
    return this.#hits.length;
  }

  goToNextHit() {
    if (!this.#hits.length) return;
    this.#hit = (this.#hit + 1) % this.#hits.length;
    this.goTo(this.#hits[this.#hit], false);
  }

  /** Opens a span, wherever it is, and brings it into sight. */
  goTo(node, focus = true) {
    for (let above = node.parent; above; above = above.parent) this.#collapsed.delete(above);
    this.#opened.add(node);
    const [from, to] = this.#range;
    if (node.start + node.length < from || node.start > to) this.zoom(0, this.#tree.length);
    this.#moveTo(node, focus, "center");
  }

  #moveTo(node, focus, block = "nearest") {
    this.#current = node;
    this.#arrange(true);
    this.#rows.reveal(keyOf("span", node), block, focus);
  }

  #toggle(node) {
    if (this.#opened.has(node)) this.#opened.delete(node);
    else this.#opened.add(node);
    this.#moveTo(node, true);
  }

  #fold(node) {
    if (this.#collapsed.has(node)) this.#collapsed.delete(node);
    else this.#collapsed.add(node);
    this.#moveTo(node, true);
  }

  /** Says anew which rows there are; `afresh` also draws those anew that stay. */
  #arrange(afresh = false) {
    const heights = this.#narrow.matches ? HEIGHTS.narrow : HEIGHTS.wide, items = [];
    let hiddenBelow = null;
    for (const node of this.#tree.nodes) {
      if (hiddenBelow !== null && node.depth > hiddenBelow) continue;
      hiddenBelow = this.#collapsed.has(node) ? node.depth : null;
      items.push({ key: keyOf("span", node), type: "span", node, height: heights.span });
      if (this.#events !== "none") {
        node.events.forEach((event, place) => {
          if (this.#events === "all" || storyOf(event)) items.push({ key: keyOf(`event${place}`, node), type: "event", node, event, height: heights.event });
        });
      }
      if (this.#opened.has(node)) items.push({ key: keyOf("detail", node), type: "detail", node, height: 240, measured: true });
    }
    this.#rows.set(items, afresh);
  }

  #draw(item) {
    const { node } = item;
    const frame = { from: this.#range[0], length: this.#range[1] - this.#range[0], start: this.#tree.start };
    if (item.type === "event") return eventRow(node, item.event, frame);
    if (item.type === "detail") return this.#detail(node);
    const state = { open: this.#opened.has(node), collapsed: this.#collapsed.has(node), hit: this.#hits.includes(node), current: node === this.#current };
    return spanRow(node, frame, state, { toggle: () => this.#toggle(node), fold: () => this.#fold(node) });
  }

  #detail(node) {
    if (!this.#details.has(node)) {
      const zoom = () => this.zoom(Math.max(0, node.start - node.length * 0.05), Math.min(this.#tree.length, node.start + node.length * 1.05));
      this.#details.set(node, spanDetail(this.#tree, node, this.#logs.get(node.id) ?? [], zoom));
    }
    return this.#details.get(node);
  }

  #drawAxis() {
    const [from, to] = this.#range, { root, length } = this.#tree;
    this.zoomButtons[0].hidden = root.length > length * 0.95 || (from === root.start && to === root.start + root.length);
    this.zoomButtons[1].hidden = from <= 0 && to >= length;
    this.#axis.replaceChildren(...[0, 0.25, 0.5, 0.75, 1].map((part) => element("span", {}, duration(Math.round(from + part * (to - from))))));
  }

  #key(event) {
    if (event.target.role !== "row" || event.altKey || event.ctrlKey || event.metaKey) return;
    const shown = this.#rows.items.filter((item) => item.type === "span").map((item) => item.node), node = this.#current;
    const step = (by) => this.#moveTo(shown[Math.min(shown.length - 1, Math.max(0, shown.indexOf(node) + by))], true);
    const acts = {
      ArrowDown: () => step(1), ArrowUp: () => step(-1), PageDown: () => step(15), PageUp: () => step(-15),
      Home: () => step(-Infinity), End: () => step(Infinity), Enter: () => this.#toggle(node), " ": () => this.#toggle(node),
      ArrowRight: () => (this.#collapsed.has(node) ? this.#fold(node) : node.children.length ? this.#moveTo(node.children[0], true) : null),
      ArrowLeft: () => (node.children.length && !this.#collapsed.has(node) ? this.#fold(node) : node.parent ? this.#moveTo(node.parent, true) : null),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }
}

function keyOf(type, node) {
  return `${type} ${node.id}`;
}

function isIn(node, wanted) {
  const texts = [node.service, node.name, node.id, ...[...node.tags].flat(), ...node.events.flatMap((event) => [event.name, ...event.fields.flatMap((field) => [field.key, field.value])])];
  return texts.some((text) => String(text).toLowerCase().includes(wanted));
}
