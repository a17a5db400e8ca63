// Tables, the small line in them, and a chart's figures as a table. Knows no view.

import { brief } from "./format.js";
import { h, svg } from "./dom.js";
import { sparkline } from "./scale.js";

/** `columns`: `{title, cell(row, at), kind: "text"|"number"|"wide", hide: "narrow"}`; the first is each row's heading. */
export function table(caption, columns, rows) {
  const kind = (column) => [column.kind === "number" ? "number" : column.kind === "wide" ? "wide" : "", column.hide ? `hide-${column.hide}` : "", column.class ?? ""].filter(Boolean).join(" ");
  return h("div", { class: "scrolled" }, h("table", {},
    h("caption", { class: "unseen" }, caption),
    h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col", class: kind(column) }, column.title)))),
    h("tbody", {}, rows.map((row, at) => h("tr", {}, columns.map((column) => h(column.heading ? "th" : "td", { class: kind(column), scope: column.heading ? "row" : null }, column.cell(row, at)))))),
  ));
}

/** The first rows of a table, and a button for the rest. `draw(rows)` gives a table. */
export function firstRows(rows, draw, first = 12) {
  if (rows.length <= first) {
    return [draw(rows)];
  }
  const place = h("div", {}, draw(rows.slice(0, first)));
  const more = h("button", { type: "button", class: "quiet", onclick: () => { place.replaceChildren(draw(rows)); more.remove(); } }, `Show all ${rows.length}`);
  return [place, h("div", {}, more)];
}

/** What a chart shows, for who cannot see it or wants to copy it; made when it is opened. */
export function asTable(make) {
  const details = h("details", { class: "as-table" }, h("summary", {}, "As a table"));
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) {
      details.append(make());
    }
  });
  return details;
}

/** A trend at a glance; its figures are in its label. */
export function spark(values, label) {
  const [width, height] = [72, 22];
  const points = sparkline(values, width, height);
  const line = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
  const [last] = points.slice(-1);
  return svg("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${label}: ${values.map((one) => brief(one)).join(", ")}` },
    svg("polygon", { points: `${points[0]?.[0] ?? 0},${height} ${line} ${last?.[0] ?? 0},${height}` }),
    svg("polyline", { points: line }),
    last ? svg("circle", { cx: last[0], cy: last[1], r: 2 }) : null,
  );
}
