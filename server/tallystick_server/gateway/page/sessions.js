// The list of sessions. Owns its columns.

import { h } from "./dom.js";
import { exact, moment } from "./format.js";
import { appLink, empty, modelLink, money, section, tokens } from "./parts.js";
import { asked } from "./rankings.js";
import { address } from "./route.js";
import { firstRows, table } from "./table.js";

export function sessions(context) {
  return [section(context, { title: "Sessions", note: "The newest first; each leads to how its window grew" }, async () => {
    const { data } = await context.ask("/v1/sessions", asked(context, { key: "", limit: 100 }));
    return data.length === 0 ? empty(context) : firstRows(data, (rows) => sessionTable(context, rows), 25);
  })];
}

export function sessionTable(context, data, { app = true } = {}) {
  return table("Sessions", [
    { title: "Session", kind: "wide", heading: true, cell: (row) => h("span", { class: "named" }, h("span", { class: "named-text" }, h("a", { href: address("session", row.session_id) }, row.session_id), h("small", {}, moment(row.last_ms)))) },
    app ? { title: "App", kind: "wide", hide: "narrow", cell: (row) => appLink(context, row, { colour: false }) } : null,
    { title: "Model", kind: "wide", hide: "narrow", cell: (row) => modelLink(context, row.model ?? row.models[0], { colour: false }) },
    { title: "Turns", kind: "number", cell: (row) => exact(row.turns) },
    { title: "Requests", kind: "number", hide: "narrow", cell: (row) => exact(row.requests) },
    { title: "Cost", kind: "number", cell: (row) => money(row.cost_usd) },
    { title: "Tokens", kind: "number", class: "main", cell: (row) => tokens(row.tokens) },
  ].filter(Boolean), data);
}
