// What views are made of: sections that load by themselves, empty states, problems, names that lead somewhere.

import { ApiError } from "./api.js";
import { dot, figure, h, meter } from "./dom.js";
import { brief, briefDollars, dollars, exact, modelParts, percent, whole, words } from "./format.js";
import { hue } from "./palette.js";
import { address } from "./route.js";
import { table } from "./table.js";

/** A titled part of a page. `load` gives its content, or null for a part that has nothing to say and goes away. */
export function section(context, { title, note = "", tools = null, className = "" }, load) {
  const body = h("div", { class: "body", "aria-busy": "true" }, h("div", { class: "waiting" }));
  const element = h("section", { class: `panel ${className}` }, h("header", {}, h("h2", {}, title), note ? h("p", { class: "note" }, note) : null, tools), body);
  const done = (async () => {
    try {
      const content = await load();
      if (content === null) {
        element.remove();
      }
      body.replaceChildren(...[content ?? []].flat(2).filter(Boolean));
    } catch (error) {
      if (error?.name === "AbortError") {
        return;
      }
      body.replaceChildren(problem(error));
      if (error instanceof ApiError && error.status === 401) {
        context.refused(error);
      }
    }
    body.removeAttribute("aria-busy");
  })();
  context.waits.push(done);
  return element;
}

/** An error with what to do about it. */
export function problem(error) {
  if (!(error instanceof ApiError)) {
    console.error(error);
  }
  const [message, remedy] = error instanceof ApiError ? [error.message, error.remedy] : ["The page cannot draw this.", `Please report it, with these words: ${error?.message ?? error}`];
  return h("div", { class: "problem", role: "alert" }, h("p", { class: "problem-what" }, message), remedy ? h("p", {}, remedy) : null);
}

/** Nothing to show, and what would change that. */
export function empty(context, what = "") {
  const { filters } = context.route;
  const narrowed = filters.app || filters.model || filters.key || filters.date;
  if (what) {
    return h("p", { class: "empty" }, what);
  }
  return h("div", { class: "empty" },
    h("p", {}, narrowed ? "Nothing was used here: no request meets these filters in this period." : "Nothing was used yet."),
    narrowed ? h("p", {}, h("a", { href: address(context.route.view, context.route.id, { period: filters.period }) }, "Clear the filters")) : h("p", {}, "Point an app at ", h("code", {}, `${location.origin}/v1`), " and its tokens show up here."));
}

export function tokens(value) {
  return figure(brief(value), exact(value));
}

/** A row's share; what was rounded to 0 by the API is said to be little. */
export function share(row) {
  return Number(row.share) === 0 && (whole(row.tokens) ?? 0n) > 0n ? "<0.1%" : percent(row.share);
}

export function money(value) {
  return figure(briefDollars(value), dollars(value));
}

/** A model's name, leading to its page. */
export function modelLink(context, model, { colour = true, author: shown = true } = {}) {
  const { author, name } = modelParts(model);
  return named(colour ? hue("model", model) : "", address("model", model, kept(context)), name, shown ? author : "");
}

/** An app by its title; its identity stands below where it differs. */
export function appLink(context, { app, title }, { colour = true } = {}) {
  const name = title || app || "no app named";
  return named(colour ? hue("app", app) : "", address("app", app, kept(context)), name, app && app !== name ? app : "", app !== "");
}

export function plainName(kind, name, label = name) {
  return named(hue(kind, name), "", label, "");
}

function named(hueClass, href, name, below, leads = true) {
  return h("span", { class: "named" }, hueClass ? dot(hueClass) : null, h("span", { class: "named-text" }, href && leads && name !== "other" ? h("a", { href }, name) : h("span", {}, name), below ? h("small", {}, below) : null));
}

/** What goes along from page to page: when, not what of. */
function kept(context) {
  const { period, date } = context.route.filters;
  return { period, date };
}

/** A few large numbers side by side: `[label, content, note]`. */
export function tiles(items) {
  return h("dl", { class: "tiles" }, items.filter(Boolean).map(([label, content, note]) => h("div", { class: "tile" }, h("dt", {}, label), h("dd", {}, content, note ? h("small", {}, note) : null))));
}

/** Names with a bar of their share and their tokens. */
export function bars(data, caption, nameCell, { hueOf = () => "", unit = "tokens" } = {}) {
  return table(caption, [
    { title: "Name", kind: "wide", heading: true, cell: nameCell },
    { title: "Share", class: "bar", cell: (row) => h("span", { class: "bar-cell" }, meter(row.share, hueOf(row)), h("span", { class: "bar-share" }, share(row))) },
    { title: words(unit), kind: "number", class: "main", cell: (row) => tokens(row[unit]) },
  ], data);
}
