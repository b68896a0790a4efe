/** Colors of services: by their place among all services, so that one has the same color in every view. */

const COLORS = 10;
let known = [];

/** Takes the names of all services, in alphabetical order. */
export function paint(names) {
  known = names;
}

/** A service's color, as CSS. */
export function colorOf(service) {
  const place = known.indexOf(service);
  const hash = [...service].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) >>> 0, 7);
  return `var(--s${(place < 0 ? hash : place) % COLORS})`;
}
