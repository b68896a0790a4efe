/** A list of rows of known or measured height, of which only those in sight (and the focused one) are in the document. */

import { element } from "./element.js";

const ALL = 300; // So few rows are all drawn, so that the browser's own search and print have them.
const BEYOND_PX = 800;

/** Draws items `{key, height, measured}` with `draw(item)`; a measured item's height is corrected once it is drawn. */
export class RowList {
  #draw; #tops = [0]; #drawn = new Map(); #measured = new Map(); #waiting = false;

  constructor(draw, properties) {
    this.#draw = draw;
    this.items = [];
    this.element = element("div", properties);
    const later = () => { if (!this.#waiting) { this.#waiting = true; requestAnimationFrame(() => { this.#waiting = false; this.#render(); }); } };
    const whileShown = () => { if (this.element.isConnected) later(); else for (const type of ["scroll", "resize"]) removeEventListener(type, whileShown); };
    for (const type of ["scroll", "resize"]) addEventListener(type, whileShown, { passive: true });
    this.sizes = new ResizeObserver((entries) => this.#measure(entries));
  }

  /** Replaces the items; `afresh` also draws those anew that were there before. */
  set(items, afresh) {
    this.items = items;
    const focused = this.#focusedKey();
    if (afresh) for (const [key, row] of this.#drawn) if (!this.#measured.has(key)) { row.remove(); this.#drawn.delete(key); }
    this.#stack();
    this.#render();
    if (focused && this.element !== document.activeElement) this.#drawn.get(focused)?.focus({ preventScroll: true });
  }

  /** Brings an item into sight: `nearest` or `center`. */
  reveal(key, block, focus) {
    const place = this.items.findIndex((item) => item.key === key);
    if (place < 0) return;
    const top = this.element.getBoundingClientRect().top + scrollY + this.#tops[place], height = this.items[place].height;
    const above = 120, below = innerHeight - 60; // A sticky axis covers the top.
    if (block === "center" || top < scrollY + above || top + height > scrollY + below) {
      const wanted = block === "center" ? top - innerHeight / 3 : top < scrollY + above ? top - above : top + height - below;
      scrollTo(0, Math.max(0, wanted));
    }
    this.#render(key);
    if (focus) this.#drawn.get(key)?.focus({ preventScroll: true });
  }

  #focusedKey() {
    return [...this.#drawn].find(([, row]) => row === document.activeElement)?.[0] ?? null;
  }

  #stack() {
    this.#tops = [0];
    for (const item of this.items) {
      if (item.measured) item.height = this.#measured.get(item.key) ?? item.height;
      this.#tops.push(this.#tops.at(-1) + item.height);
    }
    this.element.style.height = `${this.#tops.at(-1)}px`;
    this.element.ariaRowCount = String(this.items.length);
  }

  #render(alsoKey = null) {
    const wanted = this.#inSight(), kept = new Set([this.#focusedKey(), alsoKey]);
    this.items.forEach((item, place) => { if (kept.has(item.key)) wanted.add(place); });
    const places = [...wanted].sort((a, b) => a - b), keys = new Set(places.map((place) => this.items[place].key));
    for (const [key, row] of this.#drawn) if (!keys.has(key)) { this.sizes.unobserve(row); row.remove(); this.#drawn.delete(key); }
    let next = this.element.firstElementChild;
    for (const place of places) {
      const row = this.#rowAt(place);
      row.style.transform = `translateY(${this.#tops[place]}px)`;
      row.ariaRowIndex = String(place + 1);
      if (row === next) next = next.nextElementSibling;
      else this.element.insertBefore(row, next);
    }
  }

  #rowAt(place) {
    const item = this.items[place];
    if (!this.#drawn.has(item.key)) {
      const row = this.#draw(item);
      row.dataset.key = item.key;
      this.#drawn.set(item.key, row);
      if (item.measured) this.sizes.observe(row);
      else row.style.height = `${item.height}px`;
    }
    return this.#drawn.get(item.key);
  }

  #inSight() {
    if (this.items.length <= ALL) return new Set(this.items.keys());
    const top = -this.element.getBoundingClientRect().top;
    const first = this.#placeAt(top - BEYOND_PX), last = this.#placeAt(top + innerHeight + BEYOND_PX);
    return new Set(Array.from({ length: last - first + 1 }, (_, step) => first + step).filter((place) => place < this.items.length));
  }

  #placeAt(y) {
    let low = 0, high = Math.max(0, this.items.length - 1);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#tops[middle] <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #measure(entries) {
    let changed = false;
    for (const { target } of entries) {
      const height = target.getBoundingClientRect().height, key = target.dataset.key;
      if (height && this.#measured.get(key) !== height) { this.#measured.set(key, height); changed = true; }
    }
    if (!changed) return;
    this.#stack();
    this.#render();
  }
}
