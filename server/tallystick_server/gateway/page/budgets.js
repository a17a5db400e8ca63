// Budgets with how much of each is used. Owns when a bar warns.

import { h, meter } from "./dom.js";
import { brief, briefDollars, dollars, exact, nanos, percent, ratio, whole, words } from "./format.js";
import { section } from "./parts.js";

const WARNS = 0.8;

export function budgets(context) {
  return section(context, { title: "Budgets" }, async () => {
    const { data } = await context.ask("/v1/budgets").catch((error) => {
      if (error.status === 404) {
        return { data: [] };
      }
      throw error;
    });
    return data.length > 0 ? data.map(budget) : h("p", { class: "empty small" }, "No budget is set. ", h("code", {}, "[budgets.NAME]"), " in settings.toml sets one.");
  });
}

function budget(one) {
  const usd = one.unit === "usd";
  const [used, limit] = usd ? [nanos(one.used), nanos(one.limit)] : [whole(one.used), whole(one.limit)];
  const part = used === null || limit === null ? null : ratio(used, limit);
  const said = usd ? [briefDollars(one.used), dollars(one.limit)] : [brief(one.used), brief(one.limit)];
  const long = usd ? `${dollars(one.used)} of ${dollars(one.limit)}` : `${exact(one.used)} of ${exact(one.limit)}`;
  return h("div", { class: "budget" },
    h("p", {}, h("strong", {}, one.name), one.scope ? h("small", {}, words(one.scope)) : null),
    h("p", { class: "note figure", title: long }, `${said[0]} of ${said[1]}, ${percent(part)}`),
    meter(part ?? 0, part >= 1 ? "over" : part >= WARNS ? "near" : ""));
}
