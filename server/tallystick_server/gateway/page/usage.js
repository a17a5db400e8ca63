// Spend and tokens of today, this week and this month; what a period's tokens were spent on, and how exact all that is.

import { h } from "./dom.js";
import { brief, counted, dollars, exact, nanos, percent, whole, words } from "./format.js";
import { budgets } from "./budgets.js";
import { splitBar, uses } from "./details.js";
import { bars, empty, money, section, tiles, tokens } from "./parts.js";
import { familyHue } from "./palette.js";
import { asked } from "./rankings.js";
import { seriesFigure, shortModel } from "./series.js";
import { firstRows, table } from "./table.js";

const NOW = [["day", "Today"], ["week", "Last 7 days"], ["month", "Last 30 days"]];

export function usage(context) {
  return [
    h("div", { class: "columns-3 now" }, NOW.map(([period, title]) => now(context, period, title))),
    budgets(context),
    daily(context),
    h("div", { class: "columns-2" }, spentOn(context), h("div", { class: "stack" }, saved(context), exactness(context))),
  ];
}

function summary(context, more = {}) {
  return context.ask("/v1/usage/summary", asked(context, more));
}

/** The filters hold, the day does not: this is about now. */
function now(context, period, title) {
  return section(context, { title }, async () => {
    const { total } = (await summary(context, { period, date: "" })).meta;
    return [
      h("p", { class: "big" }, money(total.cost_usd), h("small", {}, "spent")),
      h("p", { class: "line" }, tokens(total.tokens), ` tokens in ${counted(total.requests, "request")}`),
      h("p", { class: "line" }, total.cached_share === null ? "No prompt yet" : `${percent(total.cached_share)} of the prompts came from a cache`),
    ];
  });
}

function daily(context) {
  const { period } = context.route.filters;
  return section(context, { title: "By day", note: "Tokens by model", className: "hero" }, async () => {
    const { data } = await context.ask("/v1/rankings/series", asked(context, { period: "day", by: "model", count: period === "month" ? 60 : 30 }));
    return seriesFigure({ bars: data, kind: "model", period: "day", label: "Tokens by model and day", height: 240, nameOf: shortModel }) ?? empty(context);
  });
}

function spentOn(context) {
  return section(context, { title: "What tokens were spent on" }, async () => {
    const { meta } = await summary(context);
    if ((whole(meta.total.tokens) ?? 0n) === 0n) {
      return empty(context);
    }
    const parts = (meta.segments ?? []).filter((one) => (whole(one.tokens) ?? 0n) > 0n);
    const all = parts.reduce((sum, one) => sum + whole(one.tokens), 0n);
    const rows = parts.sort((one, other) => (whole(other.tokens) > whole(one.tokens) ? 1 : -1)).map((one) => ({ ...one, share: all ? String(Number((one.tokens && (whole(one.tokens) * 1_000_000n) / all) || 0n) / 1_000_000) : null }));
    return [
      splitBar(uses(meta.total), whole(meta.total.tokens)),
      rows.length > 0 ? h("div", { class: "gap" }, bars(rows, "Tokens by what they hold", (row) => h("span", { class: "named" }, h("span", { class: `dot ${familyHue(row.family)}`, "aria-hidden": "true" }), words(row.family)), { hueOf: (row) => familyHue(row.family) })) : null,
    ];
  });
}

function saved(context) {
  return section(context, { title: "Saved by caches", note: "At today's prices, fees for writing taken off" }, async () => {
    const { data, meta } = await context.ask("/v1/usage/savings", asked(context));
    if (data.length === 0) {
      return h("p", { class: "empty small" }, "Nothing came from a cache.");
    }
    const doubts = [meta.exact ? "" : "about, since some prices depend on a request's length", some(meta.unknown_tokens) ? `without ${brief(meta.unknown_tokens)} cached tokens whose price is not known` : ""].filter(Boolean).join("; ");
    return [
      h("p", { class: "big" }, money(meta.saved_usd), doubts ? h("small", {}, doubts) : null),
      firstRows(data, (rows) => table("Saved by endpoint", [
        { title: "Endpoint", kind: "wide", heading: true, cell: (row) => endpoint(row.name) },
        { title: "Cached", kind: "number", hide: "narrow", cell: (row) => percent(row.cached_share) },
        { title: "Tokens", kind: "number", cell: (row) => tokens(row.cached_tokens) },
        { title: "Saved", kind: "number", class: "main", cell: (row) => money(row.saved_usd) },
      ], rows), 5),
    ];
  });
}

/** The model's name, with whom it was asked of below. */
function endpoint(slug) {
  const at = slug.lastIndexOf("/");
  return h("span", { class: "named" }, h("span", { class: "named-text" }, h("span", {}, slug.slice(at + 1)), at > 0 ? h("small", {}, slug.slice(0, at)) : null));
}

function exactness(context) {
  return section(context, { title: "How exact this is" }, async () => {
    const { total } = (await summary(context)).meta;
    const drift = nanos(total.drift_usd);
    return tiles([
      ["Spent", money(total.cost_usd), some(total.unpriced) ? `without ${counted(total.unpriced, "request")} whose price is not known` : "every request has a price"],
      ["Provider's price − ours", money(total.drift_usd), drift === 0n ? "they agree wherever both are known" : `${dollars(total.drift_usd)} over the requests that have both`],
      ["Estimated requests", tokens(total.estimated), some(total.estimated) ? "the provider did not tell their tokens (yet)" : "providers told all tokens"],
      ["Broken requests", tokens(String((whole(total.failed) ?? 0n) + (whole(total.aborted) ?? 0n))), `${exact(total.failed)} failed, ${exact(total.aborted)} stopped; what they used is in the sums`],
    ]);
  });
}

function some(count) {
  return (whole(count) ?? 0n) > 0n;
}

