// Where things stand in a chart. Pure numbers: no document.

import { ratio, whole } from "./format.js";

/** Round steps from 0 to at least `most`, as BigInt; `about` of them. */
export function ticks(most, about = 4) {
  const top = whole(most) ?? 0n;
  if (top <= 0n) {
    return [0n, 1n];
  }
  const rough = (top + BigInt(about) - 1n) / BigInt(about);
  const power = 10n ** BigInt(rough.toString().length - 1);
  const step = [1n, 2n, 5n, 10n].map((times) => times * power).find((one) => one >= rough) ?? rough;
  const found = [];
  for (let at = 0n; ; at += step) {
    found.push(at);
    if (at >= top) {
      return found;
    }
  }
}

/** The names of a series, most tokens first; what the API calls the rest stands last. */
export function seriesNames(bars, rest = "other") {
  const sums = new Map();
  for (const bar of bars) {
    for (const { name, tokens } of bar.values) {
      sums.set(name, (sums.get(name) ?? 0n) + (whole(tokens) ?? 0n));
    }
  }
  return [...sums]
    .filter(([, tokens]) => tokens > 0n)
    .sort(([one, first], [other, second]) => Number(one === rest) - Number(other === rest) || (second > first) - (second < first) || (one < other ? -1 : 1))
    .map(([name, tokens]) => ({ name, tokens }));
}

/** Bars as stacked pieces from the bottom, each `from` … `to` in shares of `top`. */
export function stack(values, names, top) {
  const of = new Map();
  for (const { name, tokens } of values) {
    of.set(name, (of.get(name) ?? 0n) + (whole(tokens) ?? 0n));
  }
  let below = 0n;
  const pieces = [];
  for (const name of names) {
    const tokens = of.get(name) ?? 0n;
    if (tokens > 0n) {
      pieces.push({ name, tokens, from: ratio(below, top), to: ratio(below + tokens, top) });
      below += tokens;
    }
  }
  return { pieces, total: below };
}

/** The points of a small line, oldest first, in a box. A flat line lies in its middle. */
export function sparkline(values, width, height, margin = 2) {
  const numbers = values.map((value) => whole(value) ?? 0n);
  const most = numbers.reduce((top, one) => (one > top ? one : top), 0n);
  const step = numbers.length > 1 ? (width - 2 * margin) / (numbers.length - 1) : 0;
  return numbers.map((value, at) => [margin + step * at, height - margin - (height - 2 * margin) * (most ? ratio(value, most) : 0)]);
}

/** Which labels are drawn so that none touches the next, from the last backwards; empty ones never are. */
export function withRoom(labels, band, pixels) {
  const drawn = new Set();
  let next = Number.POSITIVE_INFINITY;
  for (let at = labels.length - 1; at >= 0; at -= 1) {
    if (labels[at] && (next - at) * band >= pixels) {
      drawn.add(at);
      next = at;
    }
  }
  return drawn;
}
