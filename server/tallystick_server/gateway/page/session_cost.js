// What a session costs by how many turns it took: a row for each app and model. Owns the bands' order.

import { h } from "./dom.js";
import { counted } from "./format.js";
import { appLink, modelLink, money, section } from "./parts.js";
import { asked } from "./rankings.js";
import { firstRows, table } from "./table.js";

const BANDS = ["1", "2–9", "10–49", "50+"];

export function sessionCost(context) {
  return section(context, { title: "Cost per session", note: "Median by how many turns a session took", className: "bands" }, async () => {
    const [{ data }, titles] = await Promise.all([context.ask("/v1/rankings/sessions", asked(context, { key: "", limit: 200 })), context.titles()]);
    const rows = pairs(data).map((row) => ({ ...row, title: titles.get(row.app) }));
    if (rows.length === 0) {
      return h("p", { class: "empty small" }, "No session ended in this period.");
    }
    return firstRows(rows, (some) => table("Median cost per session by turns", [
      { title: "App and model", kind: "wide", heading: true, cell: (row) => h("span", { class: "pair" }, appLink(context, row, { colour: false }), modelLink(context, row.model, { colour: false, author: false })) },
      ...BANDS.map((band) => ({ title: band === "1" ? "1 turn" : `${band} turns`, kind: "number", cell: (row) => cell(row.bands.get(band)) })),
    ], some), 8);
  });
}

/** Rows of one band each, joined to one row a pair of app and model. */
export function pairs(data) {
  const found = new Map();
  for (const one of data) {
    const key = JSON.stringify([one.app, one.model]);
    const row = found.get(key) ?? { app: one.app, model: one.model, bands: new Map() };
    row.bands.set(one.turns, one);
    found.set(key, row);
  }
  return [...found.values()];
}

function cell(band) {
  if (!band) {
    return h("span", { class: "none", "aria-label": "none" }, "–");
  }
  return h("span", { class: "stacked" }, money(band.median_usd), h("small", {}, counted(band.sessions, "session")));
}
