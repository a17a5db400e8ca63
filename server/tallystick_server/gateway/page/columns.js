// Stacked columns as SVG: drawing, pointing, the keyboard. Knows neither tokens' meaning nor where they come from.

import { brief, exact, ratio } from "./format.js";
import { svg, h, announce } from "./dom.js";
import { stack, ticks, withRoom } from "./scale.js";
import { tip } from "./tip.js";

const MARGIN = { top: 14, right: 4, bottom: 26, left: 46 };
const LABEL_PIXELS = 62;
const WIDEST = 72;

/**
 * Draws `columns` (`{label, title, values: [{name, tokens}], more?, faint?}`) and draws them anew when the room changes.
 * `options`: `names` bottom first, `hueOf(name)`, `nameOf(name)`, `label` of the whole, `height`, `share` (each column fills the
 * height), `line` (`{at, text}`, such as a window's limit), `pick(column)` on Enter or click.
 */
export function stackedColumns(columns, options) {
  const picture = svg("svg", { class: "columns", role: "group", "aria-label": options.label, "aria-roledescription": "chart" });
  const frame = h("div", { class: "chart" }, picture);
  const box = tip(frame);
  const state = { at: columns.length - 1, width: 0 };
  const draw = () => {
    const width = Math.floor(frame.clientWidth);
    if (width > 0 && width !== state.width) {
      state.width = width;
      paintAll(picture, columns, options, state, box);
    }
  };
  new ResizeObserver(draw).observe(frame);
  picture.addEventListener("keydown", (event) => walk(event, picture, columns, options, state, box));
  picture.addEventListener("pointerleave", () => box.hide());
  picture.addEventListener("focusout", (event) => picture.contains(event.relatedTarget) || box.hide());
  return frame;
}

/** Makes the pieces of some names stand out; none means all. */
export function light(frame, names) {
  frame.classList.toggle("lit", names.length > 0);
  for (const piece of frame.querySelectorAll(".piece")) {
    piece.classList.toggle("on", names.includes(piece.dataset.name));
  }
}

function paintAll(picture, columns, options, state, box) {
  const height = options.height ?? 300;
  const [inner, deep] = [state.width - MARGIN.left - MARGIN.right, height - MARGIN.top - MARGIN.bottom];
  const sums = columns.map((column) => stack(column.values, options.names, 1n).total);
  const most = [...sums, BigInt(options.line?.at ?? 0)].reduce((top, one) => (one > top ? one : top), 0n);
  const steps = options.share ? [] : ticks(most);
  const top = steps.at(-1) ?? 1n;
  const up = (part) => MARGIN.top + deep * (1 - part);
  picture.setAttribute("viewBox", `0 0 ${state.width} ${height}`);
  picture.setAttribute("width", state.width);
  picture.setAttribute("height", height);
  picture.replaceChildren(axis(options.share ? [0, 0.25, 0.5, 0.75, 1] : steps.map((step) => ratio(step, top)), steps, up, state.width, options));
  const band = inner / Math.max(1, columns.length);
  const wide = Math.min(WIDEST, band > 8 ? band * 0.74 : band - (band > 3 ? 1 : 0));
  const labelled = withRoom(columns.map((column) => column.label), band, LABEL_PIXELS);
  columns.forEach((column, at) => {
    const left = MARGIN.left + band * at;
    const { pieces } = stack(column.values, options.names, options.share ? sums[at] || 1n : top);
    const group = svg("g", {
      class: `column${column.faint ? " faint" : ""}${column.picked ? " picked" : ""}`, "data-id": `bar: ${column.title}`, role: options.pick && !column.faint ? "button" : "img", tabindex: at === state.at ? 0 : -1, "aria-label": spoken(column, options, sums[at]),
      onpointerenter: () => show(box, column, options, left, left + band),
      onfocus: () => { stop(picture, state, at); show(box, column, options, left, left + band); },
      onclick: () => !column.faint && options.pick?.(column),
    }, svg("rect", { class: "hit", x: left, y: MARGIN.top - 6, width: band, height: deep + 6 }));
    pieces.forEach((piece, index) => {
      const from = up(piece.from);
      const tall = Math.max(0.6, from - up(piece.to));
      group.append(svg("path", { class: `piece ${options.hueOf(piece.name)}`, "data-name": piece.name, d: block(left + (band - wide) / 2, from - tall, wide, tall, index === pieces.length - 1 && wide > 8 ? 3 : 0) }));
    });
    if (labelled.has(at)) {
      group.append(svg("text", { class: column.picked ? "tick picked" : "tick", x: left + band / 2, y: height - 8, "text-anchor": "middle" }, column.label));
    }
    picture.append(group);
  });
  if (options.line && !options.share) {
    picture.append(limit(options.line, up(ratio(options.line.at, top)), state.width));
  }
}

function axis(parts, steps, up, width, options) {
  return svg("g", { class: "axis", "aria-hidden": "true" }, parts.map((part, at) => [
    svg("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: Math.round(up(part)) + 0.5, y2: Math.round(up(part)) + 0.5, class: at === 0 ? "base" : "" }),
    svg("text", { class: "tick", x: MARGIN.left - 8, y: up(part) + 4, "text-anchor": "end" }, options.share ? `${part * 100}%` : brief(steps[at]).replace(/\.0(?=\D)/, "")),
  ]).flat());
}

function limit(line, y, width) {
  return svg("g", { class: "limit", "aria-hidden": "true" }, svg("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: y, y2: y }), svg("text", { x: width - MARGIN.right - 4, y: y - 5, "text-anchor": "end" }, line.text));
}

/** A rectangle whose upper corners may be round. */
function block(x, y, width, height, radius) {
  const r = Math.min(radius, height, width / 2);
  return `M${x},${y + height}V${y + r}Q${x},${y} ${x + r},${y}H${x + width - r}Q${x + width},${y} ${x + width},${y + r}V${y + height}Z`;
}

function spoken(column, options, sum) {
  const said = [...column.values].reverse().filter((one) => BigInt(one.tokens) > 0n).slice(0, 4).map((one) => `${options.nameOf(one.name)} ${brief(one.tokens)}`);
  return `${column.title}: ${brief(sum)} tokens${said.length ? `; ${said.join(", ")}` : ""}${column.more?.length ? `. ${column.more.join(". ")}` : ""}`;
}

function show(box, column, options, from, to) {
  const { pieces, total } = stack(column.values, options.names, 1n);
  const rows = [...pieces].reverse().map((piece) => ({ hue: options.hueOf(piece.name), name: options.nameOf(piece.name), value: options.share ? `${exact(piece.tokens)} · ${(ratio(piece.tokens, total) * 100).toFixed(1)}%` : exact(piece.tokens) }));
  box.show({ from, to, title: column.title, rows: [...rows, { name: "Total", value: exact(total), strong: true }], notes: column.more });
}

/** Makes one column the one stop of Tab. */
function stop(picture, state, at) {
  state.at = at;
  for (const [other, group] of picture.querySelectorAll(".column").entries()) {
    group.setAttribute("tabindex", other === at ? "0" : "-1");
  }
}

function walk(event, picture, columns, options, state, box) {
  const to = { ArrowLeft: state.at - 1, ArrowRight: state.at + 1, Home: 0, End: columns.length - 1 }[event.key];
  if (event.key === "Escape") {
    box.hide();
  } else if ((event.key === "Enter" || event.key === " ") && options.pick && !columns[state.at].faint) {
    event.preventDefault();
    options.pick(columns[state.at]);
  } else if (to !== undefined && to >= 0 && to < columns.length) {
    event.preventDefault();
    const group = picture.querySelectorAll(".column")[to];
    group.focus();
    announce(group.getAttribute("aria-label"));
  }
}
