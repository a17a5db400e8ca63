// The gateway's keys by name, with what each used. The keys themselves never reach the page.

import { h } from "./dom.js";
import { moment, words } from "./format.js";
import { money, section, tokens } from "./parts.js";
import { address } from "./route.js";
import { table } from "./table.js";

export function keys(context) {
  return [section(context, { title: "Keys", note: "One for each app or person" }, async () => {
    const { data } = await context.ask("/v1/keys");
    return data.length === 0 ? h("p", { class: "empty" }, "There is no key yet. Make one with ", h("code", {}, "tallystick gateway keys add NAME"), ".") : table("Keys", [
      { title: "Key", kind: "wide", heading: true, cell: (row) => h("a", { href: address("rankings", "", { key: row.name }) }, row.name) },
      { title: "Role", hide: "narrow", cell: (row) => words(row.role ?? "app") },
      { title: "Made", hide: "narrow", cell: (row) => (row.created_ms ? moment(row.created_ms) : "") },
      { title: "Cost", kind: "number", cell: (row) => money(row.cost_usd) },
      { title: "Tokens", kind: "number", class: "main", cell: (row) => tokens(row.tokens) },
    ], data);
  })];
}
