/** How numbers and moments are written. Times are in microseconds, as everywhere in the API. */

/** A duration with three digits and the unit that fits it. */
export function duration(us) {
  if (us < 0) return `-${duration(-us)}`;
  if (us === 0) return "0";
  for (const [size, unit] of [[1, "µs"], [1e3, "ms"], [1e6, "s"], [60e6, "min"], [3600e6, "h"]].reverse()) {
    if (us >= size) return `${digits(us / size)} ${unit}`;
  }
  return `${digits(us)} µs`;
}

function digits(number) {
  return number >= 100 ? String(Math.round(number)) : String(Number(number.toPrecision(3)));
}

/** Date and time of day with milliseconds, in the reader's time zone. */
export function moment(us) {
  const date = new Date(us / 1e3);
  return `${date.toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" })}, ${clock(us)}`;
}

/** Time of day with milliseconds, in the reader's time zone. */
export function clock(us) {
  const date = new Date(us / 1e3);
  const two = (number) => String(number).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** A number with its noun. */
export function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** A large number in few characters. */
export function short(number) {
  for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) if (number >= size) return `${digits(number / size)}${unit}`;
  return String(number);
}
