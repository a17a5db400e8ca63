// The first view: who and what drives tokens. Owns which sections it has; each loads by itself.

import { h, segmented } from "./dom.js";
import { DAYS } from "./filters.js";
import { change, codeName, exact, shiftDay, whole, words } from "./format.js";
import { hue, paint } from "./palette.js";
import { appLink, bars, empty, modelLink, money, plainName, section, share, tokens } from "./parts.js";
import { seriesNames } from "./scale.js";
import { seriesFigure, trendOf, namesOf } from "./series.js";
import { spark, table } from "./table.js";
import { sessionCost } from "./session_cost.js";

const COUNTS = { day: 30, week: 12, month: 12 };
const BY = [["model", "Models"], ["author", "Authors"], ["app", "Apps"]];

/** What a section asks: the period and every filter that holds. */
export function asked(context, more = {}) {
  const { period, date, app, model, key } = context.route.filters;
  return { period, date, app, model, key, ...more };
}

/** Bars until today; a day that they hold is picked among them, an earlier one ends them. */
export function seriesOf(context, by) {
  const { period, date } = context.route.filters;
  const held = date > shiftDay(context.today, -(COUNTS[period] - 1) * DAYS[period]);
  return context.ask("/v1/rankings/series", asked(context, { by, count: COUNTS[period], date: held ? "" : date }));
}

export function rankings(context) {
  return [
    top(context),
    h("div", { class: "columns-2 lead" }, models(context), authors(context)),
    apps(context),
    h("div", { class: "columns-3" },
      cut(context, "purposes", "Purposes", { label: words }),
      cut(context, "use_cases", "Use cases", { label: words }),
      cut(context, "context", "Context length", { note: "Input of a request", label: (name) => `up to ${name}` }),
      cut(context, "programming_languages", "Programming languages", { label: codeName }),
      cut(context, "natural_languages", "Natural languages", { label: words }),
      cut(context, "free", "Free and paid", { label: words }),
      cut(context, "tool_calls", "Tool calls", { unit: "tool_calls" }),
      cut(context, "images", "Images", { unit: "images" }),
      cut(context, "reasoning", "Reasoning", { note: "Tokens", unit: "reasoning_tokens" }),
    ),
    sessionCost(context),
  ];
}

function top(context) {
  const { filters } = context.route;
  const by = BY.some(([value]) => value === filters.by) ? filters.by : "model";
  const tools = segmented("Stacked by", BY, by, (value) => context.go({ ...filters, by: value === "model" ? "" : value }));
  return section(context, { title: "Token use", note: `Prompt and completion tokens by ${filters.period}, days in UTC`, tools, className: "hero" }, async () => {
    const [{ data }, titles] = await Promise.all([seriesOf(context, by), context.titles()]);
    return seriesFigure({
      bars: data, kind: by, period: filters.period, label: `Tokens by ${by} and ${filters.period}`, height: 340,
      nameOf: namesOf(by, titles),
      picked: filters.date,
      pick: (last) => context.go({ ...filters, date: last >= context.today ? "" : last }),
    }) ?? empty(context);
  });
}

function models(context) {
  return section(context, { title: "Top models" }, async () => {
    const [{ data }, series] = await Promise.all([context.ask("/v1/rankings/models", asked(context, { limit: 50 })), seriesOf(context, "model").catch(() => ({ data: [] }))]);
    paint("model", seriesNames(series.data).map(({ name }) => name));
    return data.length === 0 ? empty(context) : ranked(context, data, "Top models", (row) => modelLink(context, row.name), (row) => trendOf(series.data, row.name));
  });
}

/** A table of a ranking: rank, what, share, tokens, cost, trend. */
function ranked(context, data, caption, nameCell, trend) {
  return table(caption, [
    { title: "#", kind: "number", class: "rank", cell: (row) => (row.rank ? String(row.rank) : "") },
    { title: "Name", kind: "wide", heading: true, cell: nameCell },
    { title: "Trend", hide: "narrow", cell: (row) => { const values = trend(row); return values ? spark(values, "Trend") : ""; } },
    { title: "Share", kind: "number", hide: "narrow", cell: (row) => share(row) },
    { title: "Cost", kind: "number", cell: (row) => money(row.cost_usd) },
    { title: "Tokens", kind: "number", class: "main", cell: (row) => tokens(row.tokens) },
  ], data);
}

function authors(context) {
  return section(context, { title: "Market share", note: "By author of the model" }, async () => {
    const [{ data }, series] = await Promise.all([context.ask("/v1/rankings/authors", asked(context, { limit: 50 })), seriesOf(context, "author").catch(() => ({ data: [] }))]);
    if (data.length === 0) {
      return empty(context);
    }
    const drawn = seriesFigure({ bars: series.data, kind: "author", period: context.route.filters.period, label: "Share of tokens by author", share: true, legend: false, height: 200 });
    return [drawn, bars(data, "Market share by author", (row) => plainName("author", row.name), { hueOf: (row) => hue("author", row.name) })];
  });
}

function apps(context) {
  const { filters } = context.route;
  const sort = filters.sort === "trending" ? "trending" : "popular";
  const tools = segmented("Sort", [["popular", "Popular"], ["trending", "Trending"]], sort, (value) => context.go({ ...filters, sort: value === "popular" ? "" : value }));
  const note = sort === "popular" ? "By tokens" : "By growth over the mean of the three periods before";
  return section(context, { title: "Top apps", note, tools }, async () => {
    const [{ data }, series] = await Promise.all([context.ask("/v1/rankings/apps", asked(context, { sort: sort === "popular" ? "" : sort, limit: 50 })), seriesOf(context, "app").catch(() => ({ data: [] }))]);
    paint("app", seriesNames(series.data).map(({ name }) => name));
    if (data.length === 0) {
      return sort === "trending" ? empty(context, "No app grew against the three periods before.") : empty(context);
    }
    return table("Top apps", [
      { title: "#", kind: "number", class: "rank", cell: (row) => (row.rank ? String(row.rank) : "") },
      { title: "App", kind: "wide", heading: true, cell: (row) => appLink(context, { app: row.name, title: row.title }) },
      { title: "Categories", hide: "narrow", cell: (row) => (row.categories ?? []).map((name) => h("span", { class: "tag" }, name)) },
      { title: "Trend", hide: "narrow", cell: (row) => { const values = trendOf(series.data, row.name); return values ? spark(values, "Trend") : ""; } },
      { title: "Change", kind: "number", hide: "narrow", cell: (row) => grown(row) },
      { title: "Share", kind: "number", hide: "narrow", cell: (row) => share(row) },
      { title: "Cost", kind: "number", cell: (row) => money(row.cost_usd) },
      { title: "Tokens", kind: "number", class: "main", cell: (row) => tokens(row.tokens) },
    ], data);
  });
}

/** Growth over the mean of the three periods before, as a part of that mean. */
function grown(row) {
  const [now, more] = [whole(row.tokens), whole(row.growth_tokens)];
  if (row.new) {
    return h("span", { class: "up" }, "new");
  }
  const found = more === null ? null : change(now, now - more);
  return found ? h("span", { class: found.up ? "up" : found.down ? "down" : "", title: `${exact(more)} tokens against the mean before` }, found.text) : "";
}

/** One of the small rankings. Those that count something else than tokens are of models. */
function cut(context, name, title, { note = "", label = (text) => text, unit = "tokens" } = {}) {
  const place = h("span", {}, note);
  return section(context, { title, note: place }, async () => {
    const { data, meta } = await context.ask(`/v1/rankings/${name}`, asked(context, { limit: 6 }));
    place.textContent = [note, meta?.estimated ? "estimated" : ""].filter(Boolean).join(", ");
    if (data.length === 0) {
      return h("p", { class: "empty small" }, "Nothing in this period.");
    }
    return bars(data, title, (row) => (unit === "tokens" ? h("span", {}, row.rank === null ? "other" : label(row.name) || "Not known") : modelLink(context, row.name, { colour: false })), { unit });
  });
}
