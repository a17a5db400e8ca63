// The gateway's keys by name, with what came in with each. The keys themselves never reach the page.

import { h } from "./dom.js";
import { moment } from "./format.js";
import { money, section, tokens } from "./parts.js";
import { asked } from "./rankings.js";
import { address } from "./route.js";
import { table } from "./table.js";

export function keys(context) {
  return [section(context, { title: "Keys", note: "One for each app or person" }, async () => {
    const { data } = await context.ask("/v1/keys", asked(context, { app: "", model: "", key: "" }));
    return data.length === 0 ? h("p", { class: "empty" }, "There is no key yet. Make one with ", h("code", {}, "tallystick gateway keys add NAME"), ".") : table("Keys", [
      { title: "Key", kind: "wide", heading: true, cell: (row) => h("span", { class: "named" }, h("span", { class: "named-text" }, h("a", { href: address("rankings", "", { ...context.route.filters, key: row.name }) }, row.name), row.title ? h("small", {}, row.title) : null)) },
      { title: "May read", hide: "narrow", cell: (row) => (row.removed ? "taken away" : row.reads ? "everybody's use" : "its own use") },
      { title: "Made", hide: "narrow", cell: (row) => (row.created === null ? "" : moment(row.created * 1000)) },
      { title: "Requests", kind: "number", hide: "narrow", cell: (row) => tokens(row.requests) },
      { title: "Cost", kind: "number", cell: (row) => money(row.cost_usd) },
      { title: "Tokens", kind: "number", class: "main", cell: (row) => tokens(row.tokens) },
    ], data);
  })];
}
