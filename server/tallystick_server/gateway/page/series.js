// A series over periods as a figure: stacked columns, their legend, the same as a table. Owns what a period's bar is called.

import { light, stackedColumns } from "./columns.js";
import { dot, h } from "./dom.js";
import { brief, dayName, exact, modelParts, percent, periodName, ratio, shiftDay, shiftMonth } from "./format.js";
import { hue, paint } from "./palette.js";
import { seriesNames } from "./scale.js";
import { asTable, table } from "./table.js";

/** The last day of the period that begins on `start`. */
export function lastDay(start, period) {
  return period === "month" ? shiftDay(shiftMonth(start, 1), -1) : shiftDay(start, period === "week" ? 6 : 0);
}

function shortLabel(start, period) {
  return period === "month" ? new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", month: "short" }).format(new Date(`${start}T00:00:00Z`)) : dayName(start);
}

/** `bars`: `[{start, values: [{name, tokens}]}]`; `pick(lastDay)` when a bar is chosen. Null where nothing was used. */
export function seriesFigure({ bars, kind, period, label, share = false, legend = true, height = 300, nameOf = (name) => name, hueOf = null, pick = null, picked = "" }) {
  const series = seriesNames(bars);
  if (series.length === 0) {
    return null;
  }
  const names = series.map(({ name }) => name);
  if (!hueOf) {
    paint(kind, names);
  }
  const colour = hueOf ?? ((name) => hue(kind, name));
  const columns = bars.map((bar) => ({ label: shortLabel(bar.start, period), title: periodName(bar.start, bar.end ?? lastDay(bar.start, period)), values: bar.values, start: bar.start, picked: picked !== "" && bar.start <= picked && picked <= (bar.end ?? lastDay(bar.start, period)), more: bar.whole === false ? [`This ${period} is not over yet.`] : [] }));
  const chart = stackedColumns(columns, { names, hueOf: colour, nameOf, label, share, height, pick: pick && ((column) => pick(lastDay(column.start, period))) });
  const all = series.reduce((sum, { tokens }) => sum + tokens, 0n);
  return h("figure", { class: legend ? "with-legend" : "" },
    h("div", { class: "drawn" }, chart, asTable(() => numbers(label, columns, series, nameOf))),
    legend ? legendOf(chart, series.map(({ name, tokens }) => ({ names: [name], hue: colour(name), label: nameOf(name), short: brief(tokens), long: `${exact(tokens)} tokens, ${percent(ratio(tokens, all))}` }))) : null,
  );
}

/** The names with their colours and sums; pointing at one, or choosing it, makes its pieces stand out. */
export function legendOf(chart, entries) {
  let held = null;
  const items = entries.map((entry) => {
    const button = h("button", { type: "button", "aria-pressed": "false", title: entry.label,
      onpointerenter: () => light(chart, entry.names),
      onpointerleave: () => light(chart, held?.names ?? []),
      onfocus: () => light(chart, entry.names),
      onblur: () => light(chart, held?.names ?? []),
      onclick: () => {
        held = held === entry ? null : entry;
        items.forEach(({ firstChild }, at) => firstChild.setAttribute("aria-pressed", String(entries[at] === held)));
        light(chart, held?.names ?? entry.names);
      },
    }, dot(entry.hue), h("span", { class: "legend-name" }, entry.label), h("span", { class: "legend-sum", title: entry.long }, entry.short));
    return h("li", {}, button);
  });
  return h("ul", { class: "legend", "aria-label": "Legend" }, items);
}

function numbers(label, columns, series, nameOf) {
  const of = (column, name) => column.values.find((one) => one.name === name)?.tokens ?? "0";
  return table(label, [
    { title: "Period", heading: true, cell: (column) => column.title },
    ...series.map(({ name }) => ({ title: nameOf(name), kind: "number", cell: (column) => exact(of(column, name)) })),
  ], columns);
}

/** The values of one name over the bars, for a trend beside it; null where the series does not name it. */
export function trendOf(bars, name) {
  const values = bars.map((bar) => bar.values.find((one) => one.name === name)?.tokens ?? "0");
  return name !== "other" && values.some((one) => one !== "0") ? values : null;
}

export const shortModel = (model) => modelParts(model).name;

/** How a series' names are said: models without their author, apps by their titles. */
export function namesOf(by, titles) {
  return by === "model" ? shortModel : by === "app" ? (name) => titles.get(name) || name || "no app named" : (name) => name || "not named";
}
