// One session's growth: what each request's window was made of, the window's end, and when it is reached.

import { h, segmented } from "./dom.js";
import { brief, exact, percent, ratio, whole, words } from "./format.js";
import { appLink, modelLink, money, section, tiles, tokens } from "./parts.js";
import { FAMILIES, familyHue } from "./palette.js";
import { legendOf } from "./series.js";
import { stackedColumns } from "./columns.js";
import { asTable, firstRows, table } from "./table.js";

const USES = [["cached", "Prompt, from the cache", "hue-6"], ["fresh", "Prompt, not cached", "hue-0"], ["output", "Completion", "hue-9"]];
const MOST_COLUMNS = 160;

export function session(context) {
  const id = context.route.id;
  const load = () => context.ask(`/v1/sessions/${encodeURIComponent(id)}/growth`);
  const head = h("div", { class: "page-head" }, h("h1", {}, "Session"), h("p", {}, id));
  load().then(({ session: about }) => about && head.replaceChildren(h("h1", {}, about.label || "Session"), h("p", {}, id), h("p", {}, appLink(context, about, { colour: false }))), () => undefined);
  return [head, figures(load), growth(context, load), shares(load), requests(context, load)];
}

function figures(load) {
  return section(blank, { title: "In all", className: "plain" }, async () => {
    const { data, session: about, forecast } = await load();
    const last = data.at(-1);
    return tiles([
      ["Requests", exact(data.length), about ? `${exact(about.turns)} turns` : ""],
      ["Tokens", tokens(about?.tokens ?? last?.cumulative)],
      ["Spent", money(about?.cost_usd)],
      forecast ? ["Window", forecast.used_share === null ? "unknown" : percent(forecast.used_share), outlook(forecast)] : null,
    ]);
  });
}

const blank = { waits: [], refused() {} };

function outlook(forecast) {
  return forecast.turns_left === null || forecast.turns_left === undefined ? "" : `full in about ${exact(forecast.turns_left)} turns`;
}

function growth(context, load) {
  let by = "family";
  const place = h("div", {});
  const tools = h("div", {});
  const choose = (value, answer) => {
    by = value;
    tools.replaceChildren(segmented("Stacked by", [["family", "By what it holds"], ["use", "By what it costs"]], by, (next) => choose(next, answer)));
    place.replaceChildren(draw(answer, by));
  };
  return section(context, { title: "How the window grew", note: "Tokens of each request", tools, className: "hero" }, async () => {
    const answer = await load();
    if (answer.data.length === 0) {
      return h("p", { class: "empty" }, "Nothing is booked for this session.");
    }
    choose(by, answer);
    return place;
  });
}

/** Requests in columns; where there are more than fit, each column is the last of a few. */
function draw({ data, forecast }, by) {
  const each = Math.max(1, Math.ceil(data.length / MOST_COLUMNS));
  const shown = data.filter((_, at) => at % each === each - 1 || at === data.length - 1);
  const names = by === "family" ? FAMILIES.filter((family) => data.some((one) => (whole(one.segments?.[family]) ?? 0n) > 0n)) : USES.map(([name]) => name);
  const nameOf = by === "family" ? words : (name) => USES.find(([one]) => one === name)[1];
  const hueOf = by === "family" ? familyHue : (name) => USES.find(([one]) => one === name)[2];
  const columns = shown.map((one, at) => ({
    label: `turn ${one.turn}`, title: `Turn ${one.turn}, request ${one.request}`, values: valuesOf(one, by), turn: one.turn,
    more: [one.cost_usd === null ? "Cost unknown" : `Cost ${one.cost_usd}`, at > 0 ? `${brief((whole(one.cumulative) ?? 0n))} tokens so far` : ""].filter(Boolean),
  }));
  for (const column of columns.filter((one, at) => at > 0 && one.turn === columns[at - 1].turn)) {
    column.label = "";
  }
  const ahead = by === "family" ? coming(data.at(-1), forecast, names) : [];
  const window = whole(forecast?.window);
  const line = window === null || window === undefined ? null : { at: window, text: `window ${brief(window)}` };
  const chart = stackedColumns([...columns, ...ahead], { names, hueOf, nameOf, label: "Tokens of each request of the session", height: 360, line });
  const last = new Map(valuesOf(data.at(-1), by).map(({ name, tokens: value }) => [name, value]));
  return h("figure", { class: "with-legend" },
    h("div", { class: "drawn" }, chart, each > 1 ? h("p", { class: "tip-note" }, `Each column is the last of ${each} requests.`) : null, asTable(() => table("Tokens of each request", [
      { title: "Request", heading: true, cell: (column) => column.title },
      ...names.map((name) => ({ title: nameOf(name), kind: "number", cell: (column) => exact(column.values.find((one) => one.name === name)?.tokens ?? "0") })),
    ], columns))),
    legendOf(chart, [...names].reverse().map((name) => ({ names: [name], hue: hueOf(name), label: nameOf(name), short: brief(last.get(name) ?? 0n), long: `${exact(last.get(name) ?? 0n)} in the last request` }))),
  );
}

function valuesOf(one, by) {
  if (by === "family") {
    return Object.entries(one.segments ?? {}).map(([name, value]) => ({ name, tokens: String(value) }));
  }
  const cached = whole(one.cached_tokens) ?? 0n;
  return [{ name: "cached", tokens: String(cached) }, { name: "fresh", tokens: String((whole(one.input_tokens) ?? 0n) - cached) }, { name: "output", tokens: String(whole(one.output_tokens) ?? 0n) }];
}

/** Faint columns up to the window's end, at the pace so far. */
function coming(last, forecast, names) {
  const [pace, window, turns] = [whole(forecast?.tokens_per_turn), whole(forecast?.window), Number(forecast?.turns_left ?? 0)];
  if (!pace || !window || turns < 1 || turns > 400 || names.length === 0) {
    return [];
  }
  const used = valuesOf(last, "family").reduce((sum, { tokens: value }) => sum + BigInt(value), 0n);
  const step = Math.max(1, Math.ceil(turns / 12));
  const found = [];
  for (let turn = step; turn <= turns + step - 1 && found.length < 13; turn += step) {
    const more = used + pace * BigInt(turn);
    found.push({ label: `+${turn}`, title: `In ${turn} turns, at this pace`, faint: true, values: [{ name: names.includes("history") ? "history" : names[0], tokens: String(more < window ? more : window) }] });
  }
  return found;
}

function shares(load) {
  return section(blank, { title: "Why it grew", note: "Shares of all tokens of the session" }, async () => {
    const { data } = await load();
    const sums = FAMILIES.map((family) => [family, data.reduce((sum, one) => sum + (whole(one.segments?.[family]) ?? 0n), 0n)]).filter(([, sum]) => sum > 0n);
    const all = sums.reduce((sum, [, value]) => sum + value, 0n);
    return all === 0n ? null : table("Tokens by what they hold", [
      { title: "Part", kind: "wide", heading: true, cell: ([family]) => h("span", { class: "named" }, h("span", { class: `dot ${familyHue(family)}`, "aria-hidden": "true" }), words(family)) },
      { title: "Share", kind: "number", cell: ([, value]) => percent(ratio(value, all)) },
      { title: "Tokens", kind: "number", class: "main", cell: ([, value]) => tokens(value) },
    ], sums.sort((one, other) => (other[1] > one[1] ? 1 : -1)));
  });
}

function requests(context, load) {
  return section(context, { title: "Requests", note: "The newest first" }, async () => {
    const { data } = await load();
    if (data.length === 0) {
      return null;
    }
    return firstRows([...data].reverse(), (rows) => rowsOf(context, rows));
  });
}

function rowsOf(context, rows) {
  return table("Requests of the session", [
      { title: "Turn", kind: "number", class: "rank", cell: (row) => exact(row.turn) },
      { title: "Model", kind: "wide", heading: true, cell: (row) => modelLink(context, row.model, { colour: false }) },
      { title: "Prompt", kind: "number", cell: (row) => tokens(row.input_tokens) },
      { title: "Cached", kind: "number", hide: "narrow", cell: (row) => tokens(row.cached_tokens) },
      { title: "Completion", kind: "number", cell: (row) => tokens(row.output_tokens) },
      { title: "Cost", kind: "number", cell: (row) => money(row.cost_usd) },
    ], rows);
}
