// The row of filters: period, day, app, model, key. Owns its elements; what is chosen lies in the address.

import { h, keepFocus, segmented } from "./dom.js";
import { periodName, shiftDay } from "./format.js";

const PERIODS = [["day", "Day"], ["week", "Week"], ["month", "Month"]];
/** A period ends with its day, and all of a kind are equally long, so that they can be compared. */
export const DAYS = { day: 1, week: 7, month: 30 };

/** Draws the row for a route. `choices`: names by filter; `today` is a UTC day; `change(filters)` goes elsewhere. */
export function drawFilters(place, { filters, shown, choices, today, change, range }) {
  const set = (part) => change({ ...filters, ...part });
  const date = filters.date || today;
  const step = (by) => {
    const to = shiftDay(date, by * DAYS[filters.period]);
    set({ date: to >= today ? "" : to });
  };
  const focus = keepFocus(place);
  place.replaceChildren(h("div", { class: "inner" },
    segmented("Period", PERIODS, filters.period, (period) => set({ period })),
    h("div", { class: "stepper", role: "group", "aria-label": "Last day of the period" },
      h("button", { type: "button", "data-id": "back", "aria-label": `One ${filters.period} earlier`, onclick: () => step(-1) }, "‹"),
      h("input", { type: "date", "data-id": "date", "aria-label": "Last day (UTC)", value: date, max: today, onchange: (event) => set({ date: event.target.value === today ? "" : event.target.value }) }),
      h("button", { type: "button", "data-id": "on", "aria-label": `One ${filters.period} later`, disabled: date >= today, onclick: () => step(1) }, "›")),
    range ? h("span", { class: "range" }, periodName(range.first, range.last)) : null,
    h("span", { class: "spring" }),
    shown.map((name) => select(name, choices[name] ?? [], filters[name], (value) => set({ [name]: value }))),
    shown.some((name) => filters[name]) || filters.date ? h("button", { class: "quiet", type: "button", "data-id": "clear", onclick: () => set({ app: "", model: "", key: "", date: "" }) }, "Clear") : null,
  ));
  place.hidden = false;
  focus();
}

const ALL = { app: "All apps", model: "All models", key: "All keys" };

function select(name, options, chosen, choose) {
  const known = options.some(({ value }) => value === chosen) || !chosen ? options : [{ value: chosen, label: chosen }, ...options];
  const element = h("select", { "data-id": name, "aria-label": ALL[name].replace("All ", "Filter by ").replace(/s$/, ""), class: chosen ? "set" : "", onchange: (event) => choose(event.target.value) },
    h("option", { value: "" }, ALL[name]),
    known.map(({ value, label }) => h("option", { value }, label)));
  element.value = chosen;
  return element;
}
