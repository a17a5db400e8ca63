// One session's growth: what each request's window was made of, the window's end, and when it is reached.

import { h, segmented } from "./dom.js";
import { brief, counted, dollars, exact, percent, ratio, whole, words } from "./format.js";
import { appLink, modelLink, money, section, tiles, tokens } from "./parts.js";
import { FAMILIES, familyHue } from "./palette.js";
import { legendOf } from "./series.js";
import { stackedColumns } from "./columns.js";
import { asTable, firstRows, table } from "./table.js";

const USES = [["cached", "Prompt, from the cache", "hue-6"], ["fresh", "Prompt, not cached", "hue-0"], ["output", "Completion", "hue-9"]];
const MOST_COLUMNS = 160;
const MOST_AHEAD = 16;
/** A window so many times the largest request would make every column flat. */
const TALLER = 3n;

export function session(context) {
  const id = context.route.id;
  const load = () => context.ask(`/v1/sessions/${encodeURIComponent(id)}/growth`);
  const head = h("div", { class: "page-head" }, h("h1", {}, "Session"), h("p", {}, id));
  load().then(({ session: about }) => head.replaceChildren(h("h1", {}, "Session"), h("p", {}, id), h("p", {}, appLink(context, about, { colour: false }))), () => undefined);
  return [head, figures(context, load), growth(context, load), h("div", { class: "columns-2" }, shares(context, load), grown(context, load)), requests(context, load)];
}

function figures(context, load) {
  return section(context, { title: "In all", className: "plain" }, async () => {
    const { session: total, forecast } = await load();
    return tiles([
      ["Tokens", tokens(total.tokens), `${counted(total.requests, "request")} in ${counted(total.turns, "turn")}`],
      ["Spent", money(total.cost_usd), some(total.unpriced) ? `without ${counted(total.unpriced, "request")} whose price is not known` : ""],
      ["Saved by caches", money(total.saved_usd), total.cached_share === null ? "" : `${percent(total.cached_share)} of the prompts came from one`],
      ["Sent again", h("span", {}, percent(total.sent_before_share)), "of the prompts had been sent before"],
      ["Window", h("span", {}, forecast.used_share === null ? "unknown" : percent(forecast.used_share)), outlook(forecast)],
    ]);
  });
}

function some(count) {
  return (whole(count) ?? 0n) > 0n;
}

function outlook(forecast) {
  const said = [];
  if (forecast.window !== null) {
    said.push(`of ${round(forecast.window)}`);
  }
  if (forecast.turns_left !== null) {
    said.push(`full in about ${counted(forecast.turns_left, "turn")}`);
  }
  if (forecast.budget_turns_left !== null) {
    said.push(`the budget of ${dollars(forecast.budget_usd)} ends in about ${counted(forecast.budget_turns_left, "turn")}`);
  }
  return said.join(", ");
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
  const columns = shown.map((one) => ({
    label: `turn ${one.turn}`, title: `Turn ${one.turn}, request ${one.request}`, values: valuesOf(one, by), turn: one.turn,
    more: [one.cost_usd === null ? "Cost unknown" : `Cost ${dollars(one.cost_usd)}`, `${exact(one.cumulative)} tokens so far`, one.estimated ? "Counted by us: the provider did not tell" : ""].filter(Boolean),
  }));
  for (const column of columns.filter((one, at) => at > 0 && one.turn === columns[at - 1].turn)) {
    column.label = "";
  }
  const window = whole(forecast.window);
  const near = window !== null && window <= TALLER * largest(data);
  const ahead = near && by === "family" ? coming(data.at(-1), forecast, names) : [];
  const line = near ? { at: window, text: `window ${round(window)}` } : null;
  const chart = stackedColumns([...columns, ...ahead], { names, hueOf, nameOf, label: "Tokens of each request of the session", height: 360, line });
  const last = new Map(valuesOf(data.at(-1), by).map(({ name, tokens: value }) => [name, value]));
  return h("figure", { class: "with-legend" },
    h("div", { class: "drawn" }, chart, each > 1 ? h("p", { class: "under" }, `Each column is the last of ${each} requests.`) : null, window !== null && !near ? h("p", { class: "under" }, `The window of ${round(window)} ends far above these columns.`) : null, asTable(() => table("Tokens of each request", [
      { title: "Request", heading: true, cell: (column) => column.title },
      ...names.map((name) => ({ title: nameOf(name), kind: "number", cell: (column) => exact(column.values.find((one) => one.name === name)?.tokens ?? "0") })),
    ], columns))),
    legendOf(chart, [...names].reverse().map((name) => ({ names: [name], hue: hueOf(name), label: nameOf(name), short: brief(last.get(name) ?? 0n), long: `${exact(last.get(name) ?? 0n)} in the last request` }))),
  );
}

function largest(data) {
  return data.reduce((most, one) => { const size = (whole(one.input_tokens) ?? 0n) + (whole(one.output_tokens) ?? 0n); return size > most ? size : most; }, 0n);
}

function round(size) {
  return brief(size).replace(/\.0(?=\D)/, "");
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
  const [pace, window, requests] = [whole(forecast.tokens_per_request), whole(forecast.window), Number(forecast.requests_left ?? 0)];
  if (pace === null || pace <= 0n || !window || requests < 1 || names.length === 0) {
    return [];
  }
  const used = valuesOf(last, "family").reduce((sum, { tokens: value }) => sum + BigInt(value), 0n);
  const step = Math.max(1, Math.ceil(requests / MOST_AHEAD));
  const found = [];
  for (let at = step; found.length < MOST_AHEAD && at < requests + step; at += step) {
    const more = used + pace * BigInt(at);
    found.push({ label: "", title: `In ${counted(at, "request")}, at this pace`, faint: true, values: [{ name: names.includes("history") ? "history" : names[0], tokens: String(more < window ? more : window) }] });
  }
  return found;
}

function shares(context, load) {
  return section(context, { title: "Why it grew", note: "Shares of all tokens of the session" }, async () => {
    const { data } = await load();
    const sums = FAMILIES.map((family) => [family, data.reduce((sum, one) => sum + (whole(one.segments?.[family]) ?? 0n), 0n)]).filter(([, sum]) => sum > 0n);
    const all = sums.reduce((sum, [, value]) => sum + value, 0n);
    return all === 0n ? null : table("Tokens by what they hold", [
      { title: "Part", kind: "wide", heading: true, cell: ([family]) => part(family) },
      { title: "Share", kind: "number", cell: ([, value]) => percent(ratio(value, all)) },
      { title: "Tokens", kind: "number", class: "main", cell: ([, value]) => tokens(value) },
    ], sums.sort((one, other) => (other[1] > one[1] ? 1 : -1)));
  });
}

/** What the last request's prompt had more than the first one's. */
function grown(context, load) {
  return section(context, { title: "From the first request to the last", note: "More tokens in the prompt" }, async () => {
    const parts = Object.entries((await load()).session.grown).sort(([, one], [, other]) => (whole(other) > whole(one) ? 1 : -1));
    return parts.length === 0 ? h("p", { class: "empty small" }, "There is one request only, or nothing grew.") : table("Growth by part", [
      { title: "Part", kind: "wide", heading: true, cell: ([family]) => part(family) },
      { title: "More tokens", kind: "number", class: "main", cell: ([, value]) => tokens(value) },
    ], parts);
  });
}

function part(family) {
  return h("span", { class: "named" }, h("span", { class: `dot ${familyHue(family)}`, "aria-hidden": "true" }), words(family));
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
