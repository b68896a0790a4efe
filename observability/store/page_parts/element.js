/** Elements. Text and attributes only, never HTML: names come from anybody. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An HTML element. `properties` are set as properties, but for `style` (CSS properties), `data` and `aria` (attributes with that
 * prefix) and `on` (listeners). Children are texts or elements; null and false are left out.
 */
export function element(tag, properties = {}, ...children) {
  return furnish(document.createElement(tag), properties, children, (made, name, value) => { made[name] = value; });
}

/** An SVG element; its properties are attributes. */
export function drawn(tag, properties = {}, ...children) {
  return furnish(document.createElementNS(SVG, tag), properties, children, (made, name, value) => made.setAttribute(name, value));
}

function furnish(made, { style = {}, data = {}, aria = {}, on = {}, ...rest }, children, set) {
  for (const [name, value] of Object.entries(rest)) set(made, name, value);
  for (const [name, value] of Object.entries(style)) made.style.setProperty(name, value);
  for (const [name, value] of Object.entries(data)) made.dataset[name] = value;
  for (const [name, value] of Object.entries(aria)) made.setAttribute(`aria-${name}`, value);
  for (const [name, listener] of Object.entries(on)) made.addEventListener(name, listener);
  made.append(...children.flat().filter((child) => child !== null && child !== false && child !== undefined));
  return made;
}

/** A box with a headline and what to do about it: for nothing found, nothing there yet, and failures. */
export function note(kind, headline, ...advice) {
  const attributes = kind === "failure" ? { role: "alert" } : {};
  return element("section", { className: `empty ${kind}`, ...attributes },
    element("h2", {}, headline), ...advice.map((each) => element("p", {}, ...[each].flat())));
}

/** A grid of labelled form fields. */
export function field(label, control, className = "") {
  return element("label", { className }, element("span", {}, label), control);
}

/** A list to choose from: options are texts, or pairs of value and text. */
export function choice(name, options, chosen) {
  const pairs = options.map((option) => [option].flat());
  if (chosen && !pairs.some(([value]) => value === chosen)) pairs.push([chosen]); // A link may name what is not kept any more.
  const select = element("select", { name }, pairs.map(([value, text = value]) => element("option", { value }, text)));
  select.value = chosen ?? "";
  return select;
}

/** A field to type into. */
export function entry(name, value, placeholder, properties = {}) {
  return element("input", { name, value: value ?? "", placeholder, autocomplete: "off", autocapitalize: "off", spellcheck: false, ...properties });
}
