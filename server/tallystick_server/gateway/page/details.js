// The page of one model and the page of one app: what each is made of. Owns the split of prompt and completion.

import { h } from "./dom.js";
import { brief, exact, modelParts, percent, ratio, whole } from "./format.js";
import { appLink, bars, empty, modelLink, money, section, tiles, tokens } from "./parts.js";
import { namesOf, seriesFigure } from "./series.js";
import { sessionTable } from "./sessions.js";

export function model(context) {
  const name = context.route.id;
  const parts = modelParts(name);
  const where = { ...when(context), model: name };
  return [
    heading(parts.name, parts.author),
    summary(context, "models", where, (row) => row.name === name),
    daily(context, where, "app", "Tokens by app"),
    h("div", { class: "columns-2" },
      section(context, { title: "Apps", note: "Who used it" }, async () => {
        const { data } = await context.ask("/v1/rankings/apps", { ...where, limit: 20 });
        return data.length ? bars(data, "Apps", (row) => appLink(context, { app: row.name, title: row.title })) : empty(context);
      }),
      split(context, "models", where, (row) => row.name === name)),
  ];
}

export function app(context) {
  const id = context.route.id;
  const where = { ...when(context), app: id };
  const one = context.ask("/v1/rankings/apps", where).then(({ data }) => data.find((row) => row.name === id), () => undefined);
  const head = heading(id, "");
  one.then((row) => row?.title && head.replaceChildren(h("h1", {}, row.title), h("p", {}, id, (row.categories ?? []).map((tag) => h("span", { class: "tag" }, tag)))));
  return [
    head,
    summary(context, "apps", where, (row) => row.name === id),
    daily(context, where, "model", "Tokens by model"),
    h("div", { class: "columns-2" },
      section(context, { title: "Model mix" }, async () => {
        const { data } = await context.ask("/v1/rankings/models", { ...where, limit: 20 });
        return data.length ? bars(data, "Models", (row) => modelLink(context, row.name)) : empty(context);
      }),
      split(context, "apps", where, (row) => row.name === id)),
    section(context, { title: "Sessions", note: "The newest first" }, async () => {
      const { data } = await context.ask("/v1/sessions", { ...where, key: "", limit: 20 });
      return data.length ? sessionTable(context, data, { app: false }) : h("p", { class: "empty small" }, "No session in this period.");
    }),
  ];
}

function when(context) {
  const { period, date, key } = context.route.filters;
  return { period, date, key };
}

function heading(name, above) {
  return h("div", { class: "page-head" }, h("h1", {}, name), above ? h("p", {}, "by ", above) : null);
}

/** Figures of one row of a ranking. */
function summary(context, ranking, where, is) {
  return section(context, { title: "In this period", className: "plain" }, async () => {
    const { data } = await context.ask(`/v1/rankings/${ranking}`, where);
    const row = data.find(is);
    if (!row) {
      return empty(context);
    }
    return tiles([
      ["Tokens", tokens(row.tokens)],
      ["Requests", tokens(row.requests)],
      ["Spent", money(row.cost_usd), row.cost_note],
      ["Paid per million tokens", money(perMillion(row))],
    ]);
  });
}

/** What a million tokens really cost, all in; null where a price is unknown. */
function perMillion(row) {
  const [used, text] = [whole(row.tokens), row.cost_usd];
  if (text === null || text === undefined || !used) {
    return null;
  }
  const [left, right = ""] = text.split(".");
  const nanos = BigInt(left + right.padEnd(9, "0").slice(0, 9));
  const each = (nanos * 1_000_000n + used / 2n) / used;
  const digits = each.toString().padStart(10, "0");
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

function daily(context, where, by, title) {
  const { period } = context.route.filters;
  return section(context, { title, note: period === "month" ? "By week" : "By day" }, async () => {
    const unit = period === "month" ? "week" : "day";
    const titles = await context.titles();
    const { data } = await context.ask("/v1/rankings/series", { ...where, period: unit, by, count: unit === "week" ? 26 : 30 });
    return seriesFigure({ bars: data, kind: by, period: unit, label: title, nameOf: namesOf(by, titles), height: 260 }) ?? empty(context);
  });
}

/** What went in and what came out. */
function split(context, ranking, where, is) {
  return section(context, { title: "Prompt and completion" }, async () => {
    const { data } = await context.ask(`/v1/rankings/${ranking}`, where);
    const row = data.find(is);
    if (!row || row.input_tokens === undefined) {
      return empty(context);
    }
    return splitBar(uses(row), whole(row.tokens));
  });
}

/** The tokens of a sum by what they are paid as. */
export function uses(sum) {
  const of = (name) => whole(sum[name]) ?? 0n;
  return [
    ["Prompt, not cached", of("input_tokens") - of("cached_tokens"), "hue-0"],
    ["Prompt, from a cache", of("cached_tokens"), "hue-6"],
    ["Completion", of("output_tokens") - of("reasoning_tokens"), "hue-9"],
    ["Reasoning", of("reasoning_tokens"), "hue-7"],
  ];
}

/** One bar of pieces `[name, tokens, hue]` and its legend. */
export function splitBar(pieces, all) {
  const bar = h("div", { class: "split", role: "img", "aria-label": pieces.map(([name, value]) => `${name} ${exact(value)}`).join(", ") });
  for (const [name, value, hue] of pieces) {
    if (value > 0n) {
      const piece = h("span", { class: `split-piece ${hue}`, title: `${name}: ${exact(value)}` });
      piece.style.flexGrow = String(ratio(value, all));
      bar.append(piece);
    }
  }
  return [bar, h("ul", { class: "split-legend" }, pieces.map(([name, value, hue]) => h("li", {}, h("span", { class: `dot ${hue}`, "aria-hidden": "true" }), h("span", {}, name), h("span", { class: "figure", title: exact(value) }, brief(value)), h("small", {}, percent(ratio(value, all))))))];
}
