// The address behind the # as a value: which view, of what, with which filters. Pure.

export const VIEWS = ["rankings", "usage", "sessions", "keys"];
const WITH_ID = ["model", "app", "session"];
const PERIODS = ["day", "week", "month"];
const FILTERS = ["period", "date", "app", "model", "key", "by", "sort"];

/** Any text gives a route: what is not understood is left out. */
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const at = path.indexOf("/");
  const view = at < 0 ? path : path.slice(0, at);
  let id = "";
  try {
    id = at < 0 ? "" : decodeURIComponent(path.slice(at + 1));
  } catch {
    id = path.slice(at + 1);
  }
  const given = new URLSearchParams(query);
  const filters = Object.fromEntries(FILTERS.map((name) => [name, given.get(name) ?? ""]));
  filters.period = PERIODS.includes(filters.period) ? filters.period : "week";
  filters.date = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/.test(filters.date) ? filters.date : "";
  if (WITH_ID.includes(view) && id) {
    return { view, id, filters };
  }
  return { view: VIEWS.includes(view) ? view : "rankings", id: "", filters };
}

/** The address of a view; filters that are at rest are not in it. */
export function address(view, id = "", filters = {}) {
  const kept = FILTERS.filter((name) => filters[name] && !(name === "period" && filters[name] === "week")).map((name) => [name, filters[name]]);
  const query = new URLSearchParams(kept).toString();
  return `#/${view}${id ? `/${encodeURIComponent(id)}` : ""}${query ? `?${query}` : ""}`;
}
